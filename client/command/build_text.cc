#include "client/command/build_text.h"

#include "absl/time/clock.h"
#include "client/view/build_view.h"

namespace wasmagent::client {

absl::Time TimeOf(const google::protobuf::Timestamp& time) {
  return absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos());
}

std::string StateOf(const wasmagent::v1::Build& build) {
  if (build.state() == wasmagent::v1::BUILD_STATE_QUEUED) return "queued";
  if (build.state() == wasmagent::v1::BUILD_STATE_RUNNING) return "running";
  return Verdict(build.outcome());
}

std::string TookOf(const wasmagent::v1::Build& build) {
  if (!build.has_start_time()) return "-";
  absl::Time end = build.has_end_time() ? TimeOf(build.end_time()) : absl::Now();
  return FormatElapsed(end - TimeOf(build.start_time()));
}

std::string TargetsOf(const wasmagent::v1::Build& build) {
  std::string targets;
  for (const std::string& target : build.request().targets()) targets += (targets.empty() ? "" : ",") + target;
  return targets;
}

}  // namespace wasmagent::client
