// Why a build failed, or rebuilt what it rebuilt, in words.
#pragma once

#include <string>

#include "wasmagent/v1/build_event.pb.h"
#include "wasmagent/v1/build_report.pb.h"

namespace wasmagent::client {

// Adds an event to the report; log and progress add nothing. A new attempt forgets the steps of the one before.
void AddToReport(const wasmagent::v1::BuildEvent& event, wasmagent::v1::BuildReport& report);

// The report for people: the end of a build that failed as it was told then, the workspace, what was different in the
// sources, and each step with what it did and why. Several lines, each with its end.
std::string WhyText(const wasmagent::v1::BuildReport& report);

}  // namespace wasmagent::client
