// A build's record in words, for the subcommands that print it.
#pragma once

#include <string>

#include "absl/time/time.h"
#include "google/protobuf/timestamp.pb.h"
#include "wasmagent/v1/build.pb.h"

namespace wasmagent::client {

absl::Time TimeOf(const google::protobuf::Timestamp& time);

// "queued", "running", or the outcome.
std::string StateOf(const wasmagent::v1::Build& build);
// How long it ran, or has been running; "-" while it is queued.
std::string TookOf(const wasmagent::v1::Build& build);
// Names of its targets, with commas.
std::string TargetsOf(const wasmagent::v1::Build& build);

}  // namespace wasmagent::client
