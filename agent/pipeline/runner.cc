#include "agent/pipeline/runner.h"

#include <algorithm>
#include <cstdlib>

#include "absl/status/status.h"
#include "agent/pipeline/paths.h"
#include "fmt/format.h"
#include "platform/install_advice.h"

namespace wasmagent::pipeline {
namespace {

// wasmtime's command line was redone in 14: folders are HOST::GUEST since, and --mapdir is an error.
constexpr int kNewWasmtime = 14;
// Default stack limit of Linux (ulimit -s), which CPython's own runner gives: wasmtime's 512 KiB is too little for deep
// recursion.
constexpr char kStackFlag[] = "max-wasm-stack=8388608";

std::string HostFolder(const std::string& checkout, const std::string& folder) {
  const std::string below = NormalPath(folder);
  if (below == ".") return checkout;
  return checkout == "." ? below : fmt::format("{}/{}", checkout, below);
}

}  // namespace

absl::StatusOr<Runtime> ChooseRuntime(const std::vector<Runtime>& runtimes) {
  std::string problems;
  for (const Runtime& runtime : runtimes) {
    if (runtime.problem.empty()) return runtime;
    problems += fmt::format("; {}: {}", runtime.path, runtime.problem);
  }
  return absl::FailedPreconditionError(fmt::format("no program that runs WASI is on this machine{}; {}", problems,
                                                   platform::InstallAdvice({"nodejs", "nodejs"})));
}

std::vector<std::string> NodePrefix(const Toolchain& toolchain, const RunnerSpec& runner) {
  std::vector<std::string> argv = toolchain.node.command;
  // Building needs none; a text that fails when it is run is better than one that configure makes up.
  if (argv.empty()) argv.push_back("node");
  for (const std::string& flag : runner.flags) {
    const auto& taken = toolchain.node_flags;
    if (std::find(taken.begin(), taken.end(), flag) != taken.end()) argv.push_back(flag);
  }
  return argv;
}

std::vector<std::string> RuntimePrefix(const Runtime& runtime, const RunnerSpec& runner, const std::string& checkout) {
  std::vector<std::string> argv = runtime.command;
  const bool wasmtime = runtime.name == "wasmtime";
  const bool old_wasmtime = wasmtime && std::atoi(runtime.version.c_str()) < kNewWasmtime;
  if (runtime.name != "wasmedge") argv.push_back("run");
  if (wasmtime && !old_wasmtime) argv.insert(argv.end(), {"--wasm", kStackFlag});
  for (const auto& [name, value] : runner.env) argv.insert(argv.end(), {"--env", fmt::format("{}={}", name, value)});
  for (const auto& [guest, folder] : runner.directories) {
    const std::string host = HostFolder(checkout, folder);
    if (old_wasmtime) {
      argv.insert(argv.end(), {"--mapdir", fmt::format("{}::{}", guest, host)});
    } else if (runtime.name == "wasmedge") {
      argv.insert(argv.end(), {"--dir", fmt::format("{}:{}", guest, host)});
    } else {
      argv.insert(argv.end(), {"--dir", fmt::format("{}::{}", host, guest)});
    }
  }
  // wasmedge takes "--" for the program's name.
  if (runtime.name != "wasmedge") argv.push_back("--");
  return argv;
}

}  // namespace wasmagent::pipeline
