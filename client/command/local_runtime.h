// Running a product under the WebAssembly runtime that this machine has.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "wasmagent/v1/build.pb.h"

namespace wasmagent::client {

struct LocalRuntime {
  enum class Kind { kWasmtime, kOldWasmtime, kWasmedge, kNode, kOldNode } kind;
  std::string program;
};

// The first of wasmtime, node and wasmedge in PATH that can be used, asked for its version; with `wanted`, one of these
// names, that one. NOT_FOUND with what to install.
absl::StatusOr<LocalRuntime> FindRuntime(const std::string& wanted = "");

// What has a runtime write its own log, by variables of its environment. None of them is the program's.
std::map<std::string, std::string> LogVariables(const LocalRuntime& runtime);

// Flags that `node` takes, of those that a runner names; each is tried.
std::vector<std::string> TakenNodeFlags(const std::string& node, const wasmagent::v1::Runner& runner);

// The argv that node runs a program with that brings its own runtime along, as emscripten makes them: the node of an
// activated emsdk ($EMSDK_NODE), else PATH's. `debug`: source maps and whole stacks. NOT_FOUND when there is none that
// can run it.
absl::StatusOr<std::vector<std::string>> NodeArguments(const wasmagent::v1::Runner& runner, const std::string& checkout,
                                                       const std::vector<std::string>& arguments, bool debug);

// A runner's path: below the checkout unless it is absolute; empty and "." are the checkout itself.
std::string BelowCheckout(const std::string& checkout, const std::string& path);

// The argv that runs `runner` for the checkout; `node_runner` is the path of node-wasi.mjs. `debug`: with the program's
// debug information, as far as the runtime uses it, and the runtime's own log.
std::vector<std::string> RuntimeArguments(const LocalRuntime& runtime, const wasmagent::v1::Runner& runner,
                                          const std::string& checkout, const std::string& node_runner,
                                          const std::vector<std::string>& arguments, bool debug);

// node-wasi.mjs in the user's cache folder, written when it is not there as it should be.
absl::StatusOr<std::string> NodeRunner();

}  // namespace wasmagent::client
