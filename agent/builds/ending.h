// How a build ends.
#pragma once

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "wasmagent/v1/build.pb.h"

namespace wasmagent::builds {

struct Ending {
  wasmagent::v1::Outcome outcome = wasmagent::v1::OUTCOME_UNSPECIFIED;
  std::optional<wasmagent::v1::Cause> cause;
  // The workspace is whole, and what was built in it serves the next try, as it does by hand.
  bool keep_workspace = false;
};

wasmagent::v1::Cause CauseOf(std::string summary, std::string advice = "");

// What the agent could not do is an ending, too: the build's failure where something of it is missing or wrong, else an
// interruption, which says that submitting again is safe.
Ending EndingOf(const absl::Status& status);

}  // namespace wasmagent::builds
