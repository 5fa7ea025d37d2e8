#include "agent/pipeline/runtimes.h"

#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "agent/pipeline/embedded_texts.h"
#include "agent/pipeline/install_commands.h"
#include "agent/pipeline/probe_command.h"
#include "fmt/format.h"
#include "platform/directory.h"
#include "platform/file.h"
#include "platform/parallel.h"
#include "platform/status.h"
#include "platform/version_number.h"

namespace wasmagent::pipeline {
namespace {

constexpr char kRunnerScript[] = "node-wasi.mjs";
// CPython's own minimum (its Tools/wasm/README.md). `wasmctl run` has the same rules (client/command/local_runtime.cc):
// the two programs share no code that knows of runtimes.
constexpr char kOldestWasmtime[] = "0.38";
// Before version 20, node has node:wasi only with this flag.
constexpr char kOldNodeFlag[] = "--experimental-wasi-unstable-preview1";

absl::StatusOr<std::string> InstallScript(const std::string& state_directory) {
  const auto text = EmbeddedTexts().find(kRunnerScript);
  if (text == EmbeddedTexts().end()) return absl::InternalError("no embedded node:wasi runner");
  const std::string folder = state_directory + "/runtimes";
  const std::string path = fmt::format("{}/{}", folder, kRunnerScript);
  const auto present = platform::ReadFile(path, 1 << 20);
  if (present.ok() && *present == text->second) return path;
  RETURN_IF_ERROR(platform::MakeDirectories(folder));
  RETURN_IF_ERROR(platform::WriteFileAtomically(path, text->second, 0644, /*durable=*/false));
  return path;
}

std::string FailureOf(const std::string& program, const absl::StatusOr<ProbeAnswer>& answer) {
  if (!answer.ok()) return std::string(answer.status().message());
  return fmt::format("{} does not answer as expected (exit code {}): {}", program, answer->exit_code,
                     ComplaintOf(*answer));
}

Runtime ProbeNode(Runtime node, const std::string& state_directory, const std::string& search_path) {
  const std::string question = "require('node:wasi'); process.versions.node";
  absl::StatusOr<ProbeAnswer> answer;
  // Whether a flag is needed, and taken, is found by trying.
  for (const std::vector<std::string>& flags : {std::vector<std::string>{}, std::vector<std::string>{kOldNodeFlag}}) {
    std::vector<std::string> command = {node.path, "--no-warnings"};
    command.insert(command.end(), flags.begin(), flags.end());
    std::vector<std::string> probe = command;
    probe.insert(probe.end(), {"-p", question});
    answer = AskProgram(probe, search_path);
    if (!answer.ok() || answer->exit_code != 0) continue;
    node.version = FirstVersion(answer->output);
    const auto script = InstallScript(state_directory);
    if (!script.ok()) {
      node.problem = fmt::format("cannot put its runner into place: {}", std::string(script.status().message()));
      return node;
    }
    node.command = std::move(command);
    node.command.push_back(*script);
    return node;
  }
  // A node that is too old is the distribution's newest, as a rule.
  node.problem = fmt::format("{}; node 18 or newer is needed, or wasmtime in its place: {}",
                             FailureOf(node.path, answer), WasmtimeCommand());
  return node;
}

Runtime ProbeByVersion(Runtime runtime, const std::string& search_path) {
  const auto answer = AskProgram({runtime.path, "--version"}, search_path);
  if (answer.ok() && answer->exit_code == 0) runtime.version = FirstVersion(answer->output);
  if (runtime.version.empty()) {
    runtime.problem = FailureOf(runtime.path, answer);
    return runtime;
  }
  runtime.command = {runtime.path};
  if (runtime.name == "wasmtime" && platform::VersionPrecedes(runtime.version, kOldestWasmtime)) {
    runtime.problem = fmt::format("wasmtime {} is too old for CPython, which needs {} (its Tools/wasm/README.md); {}",
                                  runtime.version, kOldestWasmtime, WasmtimeCommand());
  }
  if (runtime.name == "wasmtime" && (runtime.version == "14.0.0" || runtime.version == "14.0.1" ||
                                     runtime.version == "14.0.2" || runtime.version == "14.0.3")) {
    runtime.problem = fmt::format(
        "wasmtime {} misreads --dir HOST::GUEST (https://github.com/bytecodealliance/wasmtime/issues/7415); "
        "14.0.4 or newer is needed: {}",
        runtime.version, WasmtimeCommand());
  }
  return runtime;
}

}  // namespace

std::vector<Runtime> ProbeRuntimes(const std::string& state_directory, const std::string& search_path) {
  std::vector<Runtime> found;
  for (const char* name : {"wasmtime", "node", "wasmedge"}) {
    const std::optional<std::string> path = FindProgram(name, search_path);
    if (!path.has_value()) continue;
    Runtime runtime;
    runtime.name = name;
    runtime.path = *path;
    found.push_back(std::move(runtime));
  }
  platform::ParallelFor(found.size(), found.size(), 1, [&](size_t i) {
    Runtime& runtime = found[i];
    runtime = runtime.name == "node" ? ProbeNode(runtime, state_directory, search_path)
                                     : ProbeByVersion(runtime, search_path);
    return absl::OkStatus();
  }).IgnoreError();
  return found;
}

}  // namespace wasmagent::pipeline
