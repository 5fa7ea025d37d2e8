// The SDKs and runtimes of this machine, found and checked once at start.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace wasmagent::pipeline {

// An SDK. `kind` is "wasi" or "native".
struct Toolchain {
  std::string kind;
  std::string path;
  std::string version;
  std::string fingerprint;  // changes whenever anything that it compiles with does
  bool usable = false;
  std::string problem;  // and what mends it
};

// A program that runs WebAssembly: "wasmtime", "wasmedge" or "node".
struct Runtime {
  std::string name;
  std::string path;
  std::string version;
  std::vector<std::string>
      command;          // what a command line begins with: the path, and for node its flags and the runner's script
  std::string problem;  // why it must not be used; empty when it can be
};

struct ToolchainInventory {
  std::vector<Toolchain> toolchains;
  std::vector<Runtime> runtimes;  // the preferred one first
  std::string ccache;             // its path; empty when there is none
};

struct ProbeOptions {
  std::string wasi_sdk;         // explicit folder; empty: WASI_SDK_PATH, /opt/wasi-sdk, then the distribution's clang
  std::string state_directory;  // where a dressed SDK and the node:wasi runner are put
  std::string search_path;      // PATH to search
};

// Looks for SDKs and runtimes, all at once: tens of milliseconds. It starts threads, so StartLauncher comes before it.
// Never fails for want of one: what is missing is an unusable entry with its remedy.
absl::StatusOr<ToolchainInventory> ProbeToolchains(const ProbeOptions& options);

// Lays out the distribution's clang, lld and wasi-libc as a WASI SDK in `destination` (bin/, share/wasi-sysroot),
// complete or not at all. NOT_FOUND with the packages to install when they are not there.
absl::Status DressSdk(const std::string& destination, const std::string& search_path);

}  // namespace wasmagent::pipeline
