// From "how the product is run" and the runtimes that are there to an exact command.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/pipeline/plan.h"
#include "agent/pipeline/toolchain.h"

namespace wasmagent::pipeline {

// The runtime to take for a WASI program: the first that has no problem. FAILED_PRECONDITION with what to install.
absl::StatusOr<Runtime> ChooseRuntime(const std::vector<Runtime>& runtimes);

// The argv up to the program: the runtime, its flags, folders mapped below `checkout` (absolute, or relative to where
// it will be run), environment.
std::vector<std::string> RuntimePrefix(const Runtime& runtime, const RunnerSpec& runner, const std::string& checkout);

// The exact argv that runs the product with these arguments; a native one is its own path. FAILED_PRECONDITION when the
// runtime that it needs is not there.
absl::StatusOr<std::vector<std::string>> RunnerArgv(const RunnerSpec& runner, const std::vector<Runtime>& runtimes,
                                                    const std::string& checkout,
                                                    const std::vector<std::string>& arguments);

}  // namespace wasmagent::pipeline
