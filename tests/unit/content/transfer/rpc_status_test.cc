#include "content/transfer/rpc_status.h"

#include "gtest/gtest.h"
#include "tests/unit/content/transfer/said_by_server.h"

namespace wasmagent::content {
namespace {

google::rpc::Status WithDetail() {
  google::rpc::Status message;
  message.set_code(static_cast<int>(absl::StatusCode::kFailedPrecondition));
  message.set_message("from the details");
  auto* detail = message.add_details();
  detail->set_type_url("type.googleapis.com/a.Kind");
  detail->set_value("payload");
  return message;
}

// Code and text are gRPC's own, and each detail becomes a payload under its type URL.
TEST(RpcStatus, DetailsBecomePayloads) {
  grpc::Status wire(grpc::StatusCode::FAILED_PRECONDITION, "what is wrong", WithDetail().SerializeAsString());
  absl::Status status = FromGrpcStatus(wire);
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(status.message(), "what is wrong");
  EXPECT_EQ(status.GetPayload("type.googleapis.com/a.Kind"), absl::Cord("payload"));
  EXPECT_EQ(FromRpcStatus(WithDetail()).GetPayload("type.googleapis.com/a.Kind"), absl::Cord("payload"));
}

// Details that cannot be read take nothing away from the error.
TEST(RpcStatus, BrokenDetailsAreLeftOut) {
  absl::Status status = FromGrpcStatus(grpc::Status(grpc::StatusCode::ABORTED, "text", "\xff\xff no message"));
  EXPECT_EQ(status, SaidByServer(absl::AbortedError("text")));
}

TEST(RpcStatus, OkStaysOk) {
  EXPECT_TRUE(FromGrpcStatus(grpc::Status::OK).ok());
  EXPECT_TRUE(FromRpcStatus({}).ok());
}

}  // namespace
}  // namespace wasmagent::content
