#include "client/command/local_runtime.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <map>

#include "absl/strings/numbers.h"
#include "client/checkout/checkout.h"
#include "client/command/embedded_texts.h"
#include "client/session/user_folders.h"
#include "fmt/format.h"
#include "platform/directory.h"
#include "platform/file.h"
#include "platform/run_program.h"
#include "platform/status.h"
#include "platform/version_number.h"

namespace wasmagent::client {
namespace {

// The first version number in what a program says of itself; "0" when there is none.
std::string VersionOf(const std::string& program) {
  auto result = platform::RunProgram({program, "--version"}, {.limit = absl::Seconds(20)});
  if (!result.ok()) return "0";
  const size_t begin = result->out.find_first_of("0123456789");
  if (begin == std::string::npos) return "0";
  const std::string version = result->out.substr(begin, result->out.find_first_not_of("0123456789.", begin) - begin);
  return platform::IsVersionNumber(version) ? version : "0";
}

// CPython's own minimum (its Tools/wasm/README.md), and the releases that misread --dir HOST::GUEST
// (https://github.com/bytecodealliance/wasmtime/issues/7415). An agent has the same rules (agent/pipeline/runtimes.cc).
constexpr char kOldestWasmtime[] = "0.38";
constexpr std::string_view kBadWasmtimes[] = {"14.0.0", "14.0.1", "14.0.2", "14.0.3"};

// Where its command line was redone: --mapdir GUEST::HOST became --dir HOST::GUEST, and -g one of the -D options.
constexpr char kNewWasmtime[] = "14";
// The default stack limit of Linux: wasmtime's 512 KiB is too little for deep recursion. Agents give it, too.
constexpr char kWasmtimeStack[] = "max-wasm-stack=8388608";

bool Usable(const std::string& wasmtime_version) {
  return !platform::VersionPrecedes(wasmtime_version, kOldestWasmtime) &&
         std::find(std::begin(kBadWasmtimes), std::end(kBadWasmtimes), wasmtime_version) == std::end(kBadWasmtimes);
}

// node runs 64-bit WebAssembly as emscripten makes it from this release on; those before stop with "invalid opcode".
constexpr char kNodeWithMemory64[] = "23";
constexpr char kMemory64Flag[] = "--experimental-wasm-memory64";

// An activated emsdk names its own node, which is newer than most distributions'.
std::vector<std::string> Nodes() {
  std::vector<std::string> nodes;
  const char* activated = std::getenv("EMSDK_NODE");
  if (activated != nullptr && ::access(activated, X_OK) == 0) nodes.emplace_back(activated);
  if (std::string node = FindOnPath("node", UserFolders::FromEnvironment().path); !node.empty()) nodes.push_back(node);
  return nodes;
}

absl::StatusOr<std::string> FindNode(const wasmagent::v1::Runner& runner) {
  const std::vector<std::string> nodes = Nodes();
  if (nodes.empty()) return absl::NotFoundError("the program needs node, which is not installed: install nodejs");
  const auto& flags = runner.flags();
  if (std::find(flags.begin(), flags.end(), kMemory64Flag) == flags.end()) return nodes.front();
  for (const std::string& node : nodes) {
    if (!platform::VersionPrecedes(VersionOf(node), kNodeWithMemory64)) return node;
  }
  return absl::NotFoundError(fmt::format("the program is of 64 bits, which node {} and newer run; {} is node {}",
                                         kNodeWithMemory64, nodes.front(), VersionOf(nodes.front())));
}

}  // namespace

absl::StatusOr<LocalRuntime> FindRuntime(const std::string& wanted) {
  const std::string path = UserFolders::FromEnvironment().path;
  const auto find = [&](const std::string& name) {
    return wanted.empty() || wanted == name ? FindOnPath(name, path) : std::string();
  };
  std::string unusable;
  if (std::string program = find("wasmtime"); !program.empty()) {
    const std::string version = VersionOf(program);
    const bool old = platform::VersionPrecedes(version, kNewWasmtime);
    if (Usable(version)) {
      return LocalRuntime{old ? LocalRuntime::Kind::kOldWasmtime : LocalRuntime::Kind::kWasmtime, program};
    }
    unusable = fmt::format(" ({} is wasmtime {}; {} or newer is needed, and not 14.0.0 to 14.0.3)", program, version,
                           kOldestWasmtime);
  }
  if (std::string program = find("node"); !program.empty()) {
    // Before node 20 node:wasi wants a flag.
    const bool old = platform::VersionPrecedes(VersionOf(program), "20");
    return LocalRuntime{old ? LocalRuntime::Kind::kOldNode : LocalRuntime::Kind::kNode, program};
  }
  if (std::string program = find("wasmedge"); !program.empty()) {
    return LocalRuntime{LocalRuntime::Kind::kWasmedge, program};
  }
  return absl::NotFoundError(
      wanted.empty()
          ? fmt::format("no WebAssembly runtime is installed{}: install nodejs, wasmtime or wasmedge", unusable)
          : fmt::format("no {} that can be used is installed{}", wanted, unusable));
}

std::map<std::string, std::string> LogVariables(const LocalRuntime& runtime) {
  if (runtime.kind != LocalRuntime::Kind::kWasmtime && runtime.kind != LocalRuntime::Kind::kOldWasmtime) return {};
  // Up to wasmtime 14 the first is read, later the second; WASI was the crate wasi_common and became wasmtime_wasi
  // (https://github.com/bytecodealliance/wasmtime/pull/7239, https://docs.wasmtime.dev/cli-logging.html).
  return {{"RUST_LOG", "wasi_common=trace"}, {"WASMTIME_LOG", "wasi_common=trace,wasmtime_wasi=trace"}};
}

std::vector<std::string> TakenNodeFlags(const std::string& node, const wasmagent::v1::Runner& runner) {
  std::vector<std::string> taken;
  for (const std::string& flag : runner.flags()) {
    // "-v" would answer before the flags are looked at; an empty program does not.
    auto result = platform::RunProgram({node, flag, "-e", ""}, {.limit = absl::Seconds(20)});
    if (result.ok() && result->exit_code == 0) taken.push_back(flag);
  }
  return taken;
}

absl::StatusOr<std::vector<std::string>> NodeArguments(const wasmagent::v1::Runner& runner, const std::string& checkout,
                                                       const std::vector<std::string>& arguments, bool debug) {
  ASSIGN_OR_RETURN(const std::string node, FindNode(runner));
  std::vector<std::string> argv = {node};
  if (debug) argv.insert(argv.end(), {"--enable-source-maps", "--stack-trace-limit=100", "--trace-uncaught"});
  for (std::string& flag : TakenNodeFlags(node, runner)) argv.push_back(std::move(flag));
  argv.push_back(BelowCheckout(checkout, runner.program()));
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  return argv;
}

std::string BelowCheckout(const std::string& checkout, const std::string& path) {
  if (path.empty() || path == ".") return checkout;
  return path.starts_with('/') ? path : checkout + "/" + path;
}

std::vector<std::string> RuntimeArguments(const LocalRuntime& runtime, const wasmagent::v1::Runner& runner,
                                          const std::string& checkout, const std::string& node_runner,
                                          const std::vector<std::string>& arguments, bool debug) {
  using Kind = LocalRuntime::Kind;
  std::vector<std::string> argv = {runtime.program};
  bool node = runtime.kind == Kind::kNode || runtime.kind == Kind::kOldNode;
  if (node) argv.push_back("--no-warnings");
  if (runtime.kind == Kind::kOldNode) argv.push_back("--experimental-wasi-unstable-preview1");
  if (node) argv.push_back(node_runner);
  if (node && debug) argv.insert(argv.begin() + 1, {"--stack-trace-limit=100", "--trace-uncaught"});
  if (runtime.kind != Kind::kWasmedge) argv.push_back("run");
  if (runtime.kind == Kind::kOldWasmtime && debug) argv.push_back("-g");
  if (runtime.kind == Kind::kWasmtime) argv.insert(argv.end(), {"--wasm", kWasmtimeStack});
  if (runtime.kind == Kind::kWasmtime && debug) argv.insert(argv.end(), {"-D", "debug-info=y", "-D", "logging=y"});
  std::map<std::string, std::string> env(runner.env().begin(), runner.env().end());
  for (const auto& [name, value] : env) argv.insert(argv.end(), {"--env", name + "=" + value});
  std::map<std::string, std::string> directories(runner.directories().begin(), runner.directories().end());
  for (const auto& [guest, relative] : directories) {
    std::string host = BelowCheckout(checkout, relative);
    if (runtime.kind == Kind::kWasmedge) {
      argv.insert(argv.end(), {"--dir", guest + ":" + host});
    } else if (runtime.kind == Kind::kOldWasmtime) {
      argv.insert(argv.end(), {"--mapdir", guest + "::" + host});
    } else {
      argv.insert(argv.end(), {"--dir", host + "::" + guest});
    }
  }
  if (runtime.kind != Kind::kWasmedge) argv.push_back("--");
  argv.push_back(BelowCheckout(checkout, runner.program()));
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  return argv;
}

absl::StatusOr<std::string> NodeRunner() {
  ASSIGN_OR_RETURN(std::string cache, UserCacheDirectory());
  std::string path = cache + "/wasmctl/node-wasi.mjs";
  std::string text(EmbeddedTexts().at("node-wasi.mjs"));
  auto there = platform::ReadFile(path, 1 << 20);
  if (there.ok() && *there == text) return path;
  RETURN_IF_ERROR(platform::MakeDirectories(cache + "/wasmctl", 0700));
  RETURN_IF_ERROR(platform::WriteFileAtomically(path, text, 0644, false));
  return path;
}

}  // namespace wasmagent::client
