#include "content/transfer/rpc_status.h"

#include "absl/strings/cord.h"

namespace wasmagent::content {

absl::Status FromRpcStatus(const google::rpc::Status& status) {
  absl::Status converted(static_cast<absl::StatusCode>(status.code()), status.message());
  if (converted.ok()) return converted;
  converted.SetPayload(kSaidByServer, absl::Cord());
  for (const auto& detail : status.details()) converted.SetPayload(detail.type_url(), absl::Cord(detail.value()));
  return converted;
}

absl::Status FromGrpcStatus(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  google::rpc::Status message;
  if (!message.ParseFromString(status.error_details())) message.Clear();
  message.set_code(static_cast<int>(status.error_code()));
  message.set_message(status.error_message());
  return FromRpcStatus(message);
}

}  // namespace wasmagent::content
