// How the agent's log lines look.
#pragma once

#include <memory>
#include <string>

#include "spdlog/formatter.h"

namespace wasmagent::agent {

// The formatter for a log_format of the configuration: "json" for one object a line, whatever a message holds, else
// text.
std::unique_ptr<spdlog::formatter> MakeLogFormatter(const std::string& log_format);

}  // namespace wasmagent::agent
