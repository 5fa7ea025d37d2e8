// What a request must look like before anything is done with it.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "wasmagent/v1/build.pb.h"

namespace wasmagent::builds {

// INVALID_ARGUMENT, naming the field and what it may hold, for a request that cannot be right: ids become file names
// and targets are looked up, so both are held to their alphabets here.
absl::Status CheckRequest(const wasmagent::v1::BuildRequest& request);

// INVALID_ARGUMENT unless it is at least four characters of [a-z0-9-].
absl::Status CheckIdPrefix(const std::string& prefix);

}  // namespace wasmagent::builds
