#include "agent/pipeline/install_commands.h"

#include <sys/utsname.h>

#include <string_view>

#include "fmt/format.h"

namespace wasmagent::pipeline {

std::string WasiSdkCommand() {
  utsname system = {};
  ::uname(&system);
  // CPython 3.13 asks for 24; 26 and 27 are refused. Releases before 23 are not made for arm64.
  return fmt::format(
      "mkdir -p /opt/wasi-sdk && curl -sSfL https://github.com/WebAssembly/wasi-sdk/releases/download/wasi-sdk-24/"
      "wasi-sdk-24.0-{}-linux.tar.gz | tar -xz --strip-components=1 -C /opt/wasi-sdk",
      std::string_view(system.machine) == "aarch64" ? "arm64" : "x86_64");
}

std::string EmsdkCommand() {
  return fmt::format(
      "git clone https://github.com/emscripten-core/emsdk /opt/emsdk && /opt/emsdk/emsdk install latest && "
      "/opt/emsdk/emsdk activate latest (needs git, xz and python3: {})",
      platform::InstallAdvice({"git xz-utils python3", "git xz python3"}));
}

std::string WasmtimeCommand() {
  return "curl -sSfL https://wasmtime.dev/install.sh | bash && ln -srf -t /usr/local/bin ~/.wasmtime/bin/wasmtime";
}

platform::Package WasiSdkPackage() {
  return {"clang lld llvm wasi-libc libclang-rt-dev-wasm32 libc++-dev-wasm32", "", WasiSdkCommand()};
}

}  // namespace wasmagent::pipeline
