#include "agent/pipeline/wasi_sdk.h"

#include <sys/stat.h>
#include <unistd.h>

#include <climits>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "agent/pipeline/fingerprint.h"
#include "agent/pipeline/install_commands.h"
#include "agent/pipeline/probe_command.h"
#include "fmt/format.h"
#include "platform/file.h"
#include "platform/parallel.h"

namespace wasmagent::pipeline {
namespace {

constexpr std::string_view kReleasePrefix = "wasi-sdk ";

// Why kOldestWasiSdk is the oldest.
constexpr char kOldestReason[] =
    "CPython asks for it (its Tools/wasm/README.md); with 15, os.utime() sets wrong times "
    "(https://github.com/bytecodealliance/wasmtime/issues/4184)";

// How a problem with a release ends.
std::string Remedy() {
  return fmt::format("move the SDK away and unpack a whole release: {}; or let WASI_SDK_PATH name another",
                     WasiSdkCommand());
}

bool Exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

// The first of these libc.a's that is there; the folder's name follows the triple, which was changed in SDK 22.
std::string SysrootLibc(const std::string& sdk) {
  for (const char* triple : {"wasm32-wasi", "wasm32-wasip1"}) {
    std::string path = fmt::format("{}/share/wasi-sysroot/lib/{}/libc.a", sdk, triple);
    if (Exists(path)) return path;
  }
  return "";
}

// From the VERSION file ("24.0+m", then lines about parts; "distribution clang 14" in a dressed one), else from the
// folder's name.
std::string VersionOf(const std::string& sdk) {
  const auto text = platform::ReadFile(sdk + "/VERSION", 4096);
  if (text.ok()) {
    const std::string line = text->substr(0, text->find('\n'));
    const std::string number = FirstVersion(line);
    if (!number.empty() && line.rfind(number, 0) == 0) return std::string(kReleasePrefix) + number;
    if (!line.empty()) return line;
  }
  char real[PATH_MAX];
  if (::realpath(sdk.c_str(), real) != nullptr) {
    const std::string name(real);
    const size_t at = name.rfind("wasi-sdk-");
    const std::string number = at == std::string::npos ? "" : FirstVersion(name.substr(at));
    if (!number.empty()) return std::string(kReleasePrefix) + number;
  }
  return "";
}

std::string MissingParts(const std::string& sdk) {
  for (const char* part :
       {"bin/clang", "bin/clang++", "bin/wasm-ld", "bin/llvm-ar", "bin/llvm-ranlib", "share/wasi-sysroot/include"}) {
    if (!Exists(fmt::format("{}/{}", sdk, part))) return part;
  }
  return SysrootLibc(sdk).empty() ? "share/wasi-sysroot/lib/wasm32-wasi/libc.a" : "";
}

// What the compiler said of itself.
struct ClangAnswers {
  absl::StatusOr<ProbeAnswer> version, runtime;
};

ClangAnswers AskClang(const std::string& sdk, const std::string& search_path) {
  ClangAnswers answers;
  const std::string clang = sdk + "/bin/clang";
  // The flags of the second make the answer that of a link for WASI whatever the SDK's default is.
  platform::ParallelFor(2, 2, 1, [&](size_t i) {
    if (i == 0) {
      answers.version = AskProgram({clang, "--version"}, search_path);
    } else {
      answers.runtime = AskProgram({clang, "--target=wasm32-wasi", "-print-libgcc-file-name"}, search_path);
    }
    return absl::OkStatus();
  }).IgnoreError();
  return answers;
}

std::string FirstLine(std::string_view text) { return std::string(text.substr(0, text.find('\n'))); }

// The distribution's LLVM that a file belongs to, "14" of "/usr/lib/llvm-14/lib/…"; "" for one of a release.
std::string DistributionLlvm(const std::string& path) {
  constexpr std::string_view kFolder = "/lib/llvm-";
  const size_t at = path.find(kFolder);
  if (at == std::string::npos) return "";
  const size_t begin = at + kFolder.size();
  return path.substr(begin, path.find_first_not_of("0123456789", begin) - begin);
}

// Empty, or what is wrong with the compiler and what mends it.
std::string ProblemOf(const ClangAnswers& answers, const std::string& sdk) {
  for (const auto* answer : {&answers.version, &answers.runtime}) {
    if (!answer->ok()) return fmt::format("{}; {}", std::string(answer->status().message()), Remedy());
    if ((*answer)->exit_code != 0) {
      return fmt::format("{}/bin/clang does not run (exit code {}: {}); {}", sdk, (*answer)->exit_code,
                         ComplaintOf(**answer), Remedy());
    }
  }
  const std::string runtime = FirstLine(answers.runtime->output);
  if (Exists(runtime)) return "";
  const std::string llvm = DistributionLlvm(runtime);
  return fmt::format(
      "the compiler's runtime library for wasm32 is missing ({}); {}", runtime,
      llvm.empty() ? Remedy()
                   : platform::InstallAdvice({fmt::format("libclang-rt-{}-dev-wasm32", llvm), "", WasiSdkCommand()}));
}

// How a dressed SDK's version begins.
constexpr std::string_view kDistributionPrefix = "distribution clang ";

}  // namespace

int WasiSdkMajor(const Toolchain& toolchain) {
  if (toolchain.version.rfind(kDistributionPrefix, 0) == 0) {
    // The release whose compiler and libc are of the same time. From clang 19 on it is taken for 25: the two after that
    // are refused for a fault of their own libc.
    const int clang = std::atoi(toolchain.version.c_str() + kDistributionPrefix.size());
    return clang <= 14 ? 16 : clang <= 16 ? 19 : clang == 17 ? 21 : clang == 18 ? 24 : 25;
  }
  if (toolchain.version.rfind(kReleasePrefix, 0) != 0) return 0;
  return std::atoi(toolchain.version.c_str() + kReleasePrefix.size());
}

Toolchain ProbeWasiSdk(const std::string& path, const std::string& search_path) {
  Toolchain sdk;
  sdk.kind = "wasi";
  sdk.path = path;
  const std::string missing = MissingParts(path);
  if (!missing.empty()) {
    sdk.problem = fmt::format("the WASI SDK in {} has no {}; {}", path, missing, Remedy());
    return sdk;
  }
  sdk.version = VersionOf(path);
  const int major = WasiSdkMajor(sdk);
  if (major != 0 && major < kOldestWasiSdk) {
    sdk.problem = fmt::format("the WASI SDK in {} is version {}; at least {} is needed: {}; {}", path,
                              sdk.version.substr(kReleasePrefix.size()), kOldestWasiSdk, kOldestReason, Remedy());
    return sdk;
  }
  const ClangAnswers answers = AskClang(path, search_path);
  const std::string problem = ProblemOf(answers, path);
  if (!problem.empty()) {
    sdk.problem = fmt::format("the WASI SDK in {}: {}", path, problem);
    return sdk;
  }
  const std::string& clang = answers.version->output;
  sdk.version = sdk.version.empty() ? FirstLine(clang) : fmt::format("{} ({})", sdk.version, FirstLine(clang));
  Fingerprint fingerprint;
  fingerprint.AddText("version", sdk.version);
  fingerprint.AddText("clang", clang);
  fingerprint.AddFileContent("VERSION", path + "/VERSION");
  // In a dressed SDK bin/clang is a short script, and what it runs is in the VERSION file and in clang's answer
  // (InstalledDir).
  fingerprint.AddFileContent("libc", SysrootLibc(path));
  fingerprint.AddFileContent("compiler-rt", FirstLine(answers.runtime->output));
  for (const char* tool : {"clang", "wasm-ld", "llvm-ar"})
    fingerprint.AddFileIdentity(tool, fmt::format("{}/bin/{}", path, tool));
  const size_t installed = clang.find("InstalledDir: ");
  if (installed != std::string::npos) {
    const std::string folder = FirstLine(std::string_view(clang).substr(installed + sizeof("InstalledDir: ") - 1));
    fingerprint.AddFileIdentity("compiler", folder + "/clang");
  }
  sdk.fingerprint = fingerprint.Hex();
  sdk.usable = true;
  return sdk;
}

}  // namespace wasmagent::pipeline
