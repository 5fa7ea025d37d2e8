// Words of a plan as a POSIX shell reads them back.
#pragma once

#include <string>
#include <string_view>

namespace wasmagent::client {

// Quoted only where that is needed; "$SRC" in it stays a variable.
std::string QuotePlanWord(std::string_view word);

}  // namespace wasmagent::client
