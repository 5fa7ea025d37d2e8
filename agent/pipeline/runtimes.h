// Programs that run WebAssembly on this machine.
#pragma once

#include <string>
#include <vector>

#include "agent/pipeline/toolchain.h"

namespace wasmagent::pipeline {

// Looks for wasmtime, node and wasmedge in `search_path`, that being the order of preference: wasmedge's interpreter is
// 15 to 70 times slower than node. The node:wasi runner is put into `state_directory`/runtimes.
std::vector<Runtime> ProbeRuntimes(const std::string& state_directory, const std::string& search_path);

}  // namespace wasmagent::pipeline
