#include "agent/service/status_conversion.h"

#include <string>

#include "absl/strings/cord.h"
#include "google/rpc/error_details.pb.h"

namespace wasmagent::service {
namespace {

// A status travels in headers, and a gRPC client takes 8 KiB of them unless told otherwise; more would turn the error
// into another one. The text goes twice, once beside and once in the details, and binary headers grow by a third.
constexpr size_t kLongestText = 1024;
constexpr size_t kLongestDetails = 3584;

// Not within a character: a message with half of one cannot be read.
void CutText(std::string& text) {
  if (text.size() <= kLongestText) return;
  size_t end = kLongestText;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  text.resize(end);
}

// A list of missing blobs may be cut: the client sends those, and asks again.
void CutViolations(google::protobuf::Any& detail) {
  google::rpc::PreconditionFailure failure;
  if (!detail.type_url().ends_with("google.rpc.PreconditionFailure") || !failure.ParseFromString(detail.value()))
    return;
  while (failure.violations_size() > 1 && failure.ByteSizeLong() > kLongestDetails)
    failure.mutable_violations()->RemoveLast();
  detail.set_value(failure.SerializeAsString());
}

}  // namespace

google::rpc::Status ToRpcStatus(const absl::Status& status) {
  google::rpc::Status message;
  message.set_code(static_cast<int>(status.code()));
  message.set_message(std::string(status.message()));
  status.ForEachPayload([&](auto url, const absl::Cord& payload) {
    google::protobuf::Any* detail = message.add_details();
    detail->set_type_url(std::string(url));
    detail->set_value(std::string(payload));
  });
  return message;
}

grpc::Status ToGrpcStatus(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  google::rpc::Status message = ToRpcStatus(status);
  CutText(*message.mutable_message());
  // absl's codes and gRPC's are the same numbers.
  auto code = static_cast<grpc::StatusCode>(status.code());
  if (message.details().empty()) return grpc::Status(code, message.message());
  for (google::protobuf::Any& detail : *message.mutable_details()) CutViolations(detail);
  return grpc::Status(code, message.message(), message.SerializeAsString());
}

}  // namespace wasmagent::service
