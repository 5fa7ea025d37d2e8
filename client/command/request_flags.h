// Flags that describe a build: shared by submit and plan.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/checkout/checkout.h"
#include "client/checkout/tree_scanner.h"
#include "client/session/tree_sender.h"
#include "wasmagent/v1/build.pb.h"

namespace CLI {
class App;
}

namespace wasmagent::client {

struct RequestFlags {
  std::vector<std::string> targets;
  std::vector<std::string> env;
  std::vector<std::string> configure_args;
  std::vector<std::string> make_args;
  uint32_t jobs = 0;
  bool clean = false;
  bool force = false;
  // At most one of these is given.
  std::optional<std::string> test;
  bool pythoninfo = false;
  bool configure_only = false;
  std::string action;
  std::vector<std::string> action_args;
  std::string timeout;
};

void AddRequestFlags(CLI::App& command, RequestFlags& flags);

// INVALID_ARGUMENT for two actions, an --env without "=" or a --timeout that is no duration.
absl::StatusOr<wasmagent::v1::BuildRequest> MakeRequest(const RequestFlags& flags, const Checkout& checkout);

// The scanned checkout as the session takes it; borrows both.
SourceTree TreeOf(const Checkout& checkout, const ScannedTree& scanned);

// A random UUID of version 4, lower case.
std::string NewBuildId();

}  // namespace wasmagent::client
