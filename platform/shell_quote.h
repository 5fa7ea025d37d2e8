// Words as a POSIX shell reads them back.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace wasmagent::platform {

// Quoted only where that is needed.
std::string QuoteWord(std::string_view word);

// A command as a shell would take it.
std::string ShellText(const std::vector<std::string>& argv);

}  // namespace wasmagent::platform
