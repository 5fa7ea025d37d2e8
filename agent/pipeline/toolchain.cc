#include "agent/pipeline/toolchain.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <iterator>
#include <utility>

#include "agent/pipeline/dress_sdk.h"
#include "agent/pipeline/emscripten_sdk.h"
#include "agent/pipeline/native_toolchain.h"
#include "agent/pipeline/probe_command.h"
#include "agent/pipeline/runtimes.h"
#include "agent/pipeline/sdk_folders.h"
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

Toolchain DressedSdk(const ProbeOptions& options) {
  const auto clang = FindDistributionClang(options.search_path);
  if (!clang.ok()) return Missing(std::string(clang.status().message()));
  const std::string destination =
      fmt::format("{}/toolchains/wasi-sdk-debian-{}", options.state_directory, clang->version);
  const absl::Status dressed = DressSdkFrom(*clang, destination);
  if (!dressed.ok()) return Missing(std::string(dressed.message()));
  return ProbeWasiSdk(destination, options.search_path);
}

std::vector<Toolchain> FindWasiSdks(const ProbeOptions& options) {
  if (!options.wasi_sdk.empty()) return {Named(options.wasi_sdk, "the configuration (wasi_sdk)", options.search_path)};
  const char* variable = std::getenv("WASI_SDK_PATH");
  if (variable != nullptr && *variable != '\0') return {Named(variable, "WASI_SDK_PATH", options.search_path)};
  std::vector<Toolchain> found;
  for (const std::string& path : SdkFolders(kUsualPlace)) found.push_back(ProbeWasiSdk(path, options.search_path));
  if (found.empty()) found.push_back(DressedSdk(options));
  return found;
}

}  // namespace

absl::StatusOr<ToolchainInventory> ProbeToolchains(const ProbeOptions& options) {
  if (options.state_directory.empty() || options.state_directory[0] != '/') {
    return absl::InvalidArgumentError("the state directory must be an absolute path");
  }
  ToolchainInventory inventory;
  inventory.ccache = FindProgram("ccache", options.search_path).value_or("");
  std::vector<Toolchain> wasi, native, emscripten;
  const std::function<void()> probes[] = {
      [&] { wasi = FindWasiSdks(options); },
      [&] { native = {ProbeNative(options.search_path)}; },
      [&] {
        emscripten = FindEmscriptenSdks(options.emscripten_sdk, {options.search_path, inventory.ccache});
      },
      [&] { inventory.runtimes = ProbeRuntimes(options.state_directory, options.search_path); },
  };
  RETURN_IF_ERROR(platform::ParallelFor(std::size(probes), std::size(probes), 1, [&](size_t i) {
    probes[i]();
    return absl::OkStatus();
  }));
  for (std::vector<Toolchain>* kind : {&wasi, &native, &emscripten}) {
    std::move(kind->begin(), kind->end(), std::back_inserter(inventory.toolchains));
  }
  return inventory;
}

}  // namespace wasmagent::pipeline
