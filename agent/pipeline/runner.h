// From "how the product is run" and the runtimes that are there to the command that runs it.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/pipeline/plan.h"
#include "agent/pipeline/toolchain.h"

namespace wasmagent::pipeline {

// The runtime to take for a WASI program: the first that has no problem. FAILED_PRECONDITION with what to install.
absl::StatusOr<Runtime> ChooseRuntime(const std::vector<Runtime>& runtimes);

// The argv up to the program for one that node runs on its own, as emscripten makes them: the toolchain's node with
// those of the runner's flags that it takes.
std::vector<std::string> NodePrefix(const Toolchain& toolchain, const RunnerSpec& runner);

// The argv up to a WASI program: the runtime, its flags, folders mapped below `checkout` (absolute, or relative to
// where it will be run), environment.
std::vector<std::string> RuntimePrefix(const Runtime& runtime, const RunnerSpec& runner, const std::string& checkout);

}  // namespace wasmagent::pipeline
