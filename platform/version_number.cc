#include "platform/version_number.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <string>
#include <vector>

namespace wasmagent::platform {
namespace {

constexpr size_t kMostDigits = 6;

std::vector<int> Numbers(std::string_view text) {
  std::vector<int> numbers;
  while (!text.empty()) {
    const size_t dot = text.find('.');
    numbers.push_back(std::atoi(std::string(text.substr(0, dot)).c_str()));
    text = dot == std::string_view::npos ? std::string_view() : text.substr(dot + 1);
  }
  return numbers;
}

}  // namespace

bool IsVersionNumber(std::string_view text) {
  size_t digits = 0;
  for (const char c : text) {
    if (c == '.' && digits > 0) {
      digits = 0;
    } else if (std::isdigit(static_cast<unsigned char>(c)) == 0 || ++digits > kMostDigits) {
      return false;
    }
  }
  return digits > 0;
}

bool VersionPrecedes(std::string_view version, std::string_view other) {
  std::vector<int> a = Numbers(version);
  std::vector<int> b = Numbers(other);
  a.resize(std::max(a.size(), b.size()));
  b.resize(a.size());
  return a < b;
}

bool VersionBelongsTo(std::string_view version, std::string_view rule) {
  const std::vector<int> a = Numbers(version);
  const std::vector<int> b = Numbers(rule);
  return a.size() >= b.size() && std::equal(b.begin(), b.end(), a.begin());
}

}  // namespace wasmagent::platform
