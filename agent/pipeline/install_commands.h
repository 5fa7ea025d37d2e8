// Commands that install SDKs and runtimes for WebAssembly: how a problem with one of them ends.
#pragma once

#include <string>

#include "platform/install_advice.h"

namespace wasmagent::pipeline {

// Unpacks upstream's WASI SDK into /opt/wasi-sdk.
std::string WasiSdkCommand();

// Clones emsdk into /opt/emsdk and activates the newest Emscripten there; what that needs is named behind it.
std::string EmsdkCommand();

// Installs upstream's wasmtime, of which Debian has no package, where PATH has it.
std::string WasmtimeCommand();

// What stands in for a WASI SDK: Debian's clang with its parts for WebAssembly. Fedora has no compiler-rt for wasm32,
// so the release it is there.
platform::Package WasiSdkPackage();

}  // namespace wasmagent::pipeline
