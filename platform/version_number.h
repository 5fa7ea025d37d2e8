// Versions as rules name them: "24", "3.1.19".
#pragma once

#include <string_view>

namespace wasmagent::platform {

// True for numbers with single dots between them, each below a million.
bool IsVersionNumber(std::string_view text);

// Compares number by number, a missing one being 0: "3.1.9" precedes "3.1.19", "24" and "24.0" precede neither. Both
// are version numbers.
bool VersionPrecedes(std::string_view version, std::string_view other);

// True when the version begins with all numbers of the rule: "26" has "26.0", "3.1" has "3.1.69" and not "3.10.2".
bool VersionBelongsTo(std::string_view version, std::string_view rule);

}  // namespace wasmagent::platform
