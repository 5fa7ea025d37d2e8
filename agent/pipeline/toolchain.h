// The SDKs and runtimes of this machine, found and checked once at start.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/pipeline/plan.h"

namespace wasmagent::pipeline {

// A program that runs WebAssembly: "wasmtime", "wasmedge" or "node".
struct Runtime {
  std::string name;
  std::string path;
  std::string version;
  std::vector<std::string>
      command;          // what a command line begins with: the path, and for node its flags and the runner's script
  std::string problem;  // why it must not be used; empty when it can be
};

// An SDK. `kind` is "wasi", "emscripten" or "native".
struct Toolchain {
  std::string kind;
  std::string path;
  std::string version;
  std::string fingerprint;  // changes whenever anything that it compiles with does
  bool usable = false;
  std::string problem;  // and what mends it
  // What its steps are told beyond the agent's environment, and links that they need; for SDKs that want it.
  std::vector<std::string> search_folders = {};  // go before PATH
  std::map<std::string, std::string> env = {};
  std::vector<TemporaryLink> links = {};
  std::string sysroot = {};                  // headers and libraries
  Runtime node = {};                         // what runs an emscripten SDK's own tools, and its programs
  std::vector<std::string> node_flags = {};  // those of KnownNodeFlags that it takes
};

struct ToolchainInventory {
  std::vector<Toolchain> toolchains;  // there may be several of a kind
  std::vector<Runtime> runtimes;      // the preferred one first
  std::string ccache;                 // its path; empty when there is none
};

struct ProbeOptions {
  std::string wasi_sdk;         // explicit folder; empty: WASI_SDK_PATH, /opt/wasi-sdk, then the distribution's clang
  std::string state_directory;  // where a dressed SDK and the node:wasi runner are put
  std::string search_path;      // PATH to search
  std::string emscripten_sdk = {};  // explicit folder; empty: EMSDK, then the usual places
};

// Looks for SDKs and runtimes, all at once: tens of milliseconds. It starts threads, so StartLauncher comes before it.
// Never fails for want of one: what is missing is an unusable entry with its remedy.
absl::StatusOr<ToolchainInventory> ProbeToolchains(const ProbeOptions& options);

// Lays out the distribution's clang, lld and wasi-libc as a WASI SDK in `destination` (bin/, share/wasi-sysroot),
// complete or not at all. NOT_FOUND with the packages to install when they are not there.
absl::Status DressSdk(const std::string& destination, const std::string& search_path);

}  // namespace wasmagent::pipeline
