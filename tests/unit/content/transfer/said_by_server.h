// Errors as they come over the wire, for comparisons.
#pragma once

#include "absl/status/status.h"
#include "absl/strings/cord.h"
#include "content/transfer/rpc_status.h"

namespace wasmagent::content {

// The same error, marked as an answer of the server.
inline absl::Status SaidByServer(absl::Status status) {
  status.SetPayload(kSaidByServer, absl::Cord());
  return status;
}

}  // namespace wasmagent::content
