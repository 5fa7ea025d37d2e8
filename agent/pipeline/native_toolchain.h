// The compiler for the agent's own machine.
#pragma once

#include <string>

#include "agent/pipeline/toolchain.h"

namespace wasmagent::pipeline {

// Looks for cc, c++ and make in `search_path` and asks for their versions. C++ may be missing; that is left to the
// build to find.
Toolchain ProbeNative(const std::string& search_path);

}  // namespace wasmagent::pipeline
