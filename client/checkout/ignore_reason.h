// Why a path is or is not part of a checkout.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "client/checkout/checkout.h"

namespace wasmagent::client {

struct IgnoreReason {
  bool ignored = false;
  std::string rule;  // which rule decides, or what makes it part of the checkout
};

// `path` is relative to the checkout, or absolute below it; it need not exist. INVALID_ARGUMENT when it lies outside.
absl::StatusOr<IgnoreReason> ExplainPath(const Checkout& checkout, const std::string& path);

}  // namespace wasmagent::client
