#include "agent/pipeline/toolchain.h"

#include <sys/stat.h>

#include <cstdlib>
#include <functional>

#include "agent/pipeline/dress_sdk.h"
#include "agent/pipeline/native_toolchain.h"
#include "agent/pipeline/probe_command.h"
#include "agent/pipeline/runtimes.h"
#include "agent/pipeline/wasi_sdk.h"
#include "fmt/format.h"
#include "platform/parallel.h"
#include "platform/status.h"

namespace wasmagent::pipeline {
namespace {

// Where the releases' own documentation, CPython and the images put it.
constexpr char kUsualPlace[] = "/opt/wasi-sdk";

bool IsFolder(const std::string& path) {
  struct stat info;
  return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

Toolchain Missing(std::string problem) {
  Toolchain sdk;
  sdk.kind = "wasi";
  sdk.problem = std::move(problem);
  return sdk;
}

// A folder that somebody named must be right: another SDK in its place would be a surprise.
Toolchain Named(const std::string& path, const std::string& who, const std::string& search_path) {
  if (!IsFolder(path)) return Missing(fmt::format("{} names {}, which is no folder", who, path));
  return ProbeWasiSdk(path, search_path);
}

Toolchain FindWasiSdk(const ProbeOptions& options) {
  if (!options.wasi_sdk.empty()) return Named(options.wasi_sdk, "the configuration (wasi_sdk)", options.search_path);
  const char* variable = std::getenv("WASI_SDK_PATH");
  if (variable != nullptr && *variable != '\0') return Named(variable, "WASI_SDK_PATH", options.search_path);
  if (IsFolder(kUsualPlace)) return ProbeWasiSdk(kUsualPlace, options.search_path);
  const auto clang = FindDistributionClang(options.search_path);
  if (!clang.ok()) return Missing(std::string(clang.status().message()));
  const std::string destination =
      fmt::format("{}/toolchains/wasi-sdk-debian-{}", options.state_directory, clang->version);
  const absl::Status dressed = DressSdkFrom(*clang, destination);
  if (!dressed.ok()) return Missing(std::string(dressed.message()));
  return ProbeWasiSdk(destination, options.search_path);
}

}  // namespace

absl::StatusOr<ToolchainInventory> ProbeToolchains(const ProbeOptions& options) {
  if (options.state_directory.empty() || options.state_directory[0] != '/') {
    return absl::InvalidArgumentError("the state directory must be an absolute path");
  }
  ToolchainInventory inventory;
  inventory.toolchains.resize(2);
  const std::function<void()> probes[] = {
      [&] { inventory.toolchains[0] = FindWasiSdk(options); },
      [&] { inventory.toolchains[1] = ProbeNative(options.search_path); },
      [&] { inventory.runtimes = ProbeRuntimes(options.state_directory, options.search_path); },
  };
  RETURN_IF_ERROR(platform::ParallelFor(3, 3, 1, [&](size_t i) {
    probes[i]();
    return absl::OkStatus();
  }));
  inventory.ccache = FindProgram("ccache", options.search_path).value_or("");
  return inventory;
}

}  // namespace wasmagent::pipeline
