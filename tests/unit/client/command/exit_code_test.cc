#include "client/command/exit_code.h"

#include "client/session/grpc_status.h"
#include "content/transfer/rpc_status.h"
#include "grpcpp/support/status.h"
#include "gtest/gtest.h"
#include "platform/status.h"

namespace wasmagent::client {
namespace {

// The codes that scripts rely on, as documented.
TEST(ExitCode, AreAsDocumented) {
  EXPECT_EQ(ExitCodeOf(wasmagent::v1::OUTCOME_SUCCEEDED), 0);
  EXPECT_EQ(ExitCodeOf(wasmagent::v1::OUTCOME_FAILED), 1);
  EXPECT_EQ(ExitCodeOf(absl::UnavailableError("")), 3);
  EXPECT_EQ(ExitCodeOf(wasmagent::v1::OUTCOME_INTERRUPTED), 3);
  EXPECT_EQ(ExitCodeOf(wasmagent::v1::OUTCOME_CANCELLED), 4);
  EXPECT_EQ(ExitCodeOf(wasmagent::v1::OUTCOME_TIMED_OUT), 5);
  EXPECT_EQ(ExitCodeOf(wasmagent::v1::OUTCOME_OUT_OF_MEMORY), 6);
  EXPECT_EQ(ExitCodeOf(absl::CancelledError("")), 4);
}

// The same error is a refusal when the agent gave it, and wrong usage or a broken machine when it arose here.
TEST(ExitCode, TellsWhoRefused) {
  const auto by_agent = [](grpc::StatusCode code) { return ExitCodeOf(FromGrpcStatus(grpc::Status(code, "x"), "a")); };
  EXPECT_EQ(by_agent(grpc::StatusCode::INVALID_ARGUMENT), 7);
  EXPECT_EQ(by_agent(grpc::StatusCode::RESOURCE_EXHAUSTED), 7);
  EXPECT_EQ(by_agent(grpc::StatusCode::PERMISSION_DENIED), 7);
  EXPECT_EQ(by_agent(grpc::StatusCode::UNAVAILABLE), 3);
  EXPECT_EQ(by_agent(grpc::StatusCode::UNIMPLEMENTED), 3);
  // So is what the agent says while blobs are moved.
  EXPECT_EQ(ExitCodeOf(content::FromGrpcStatus(grpc::Status(grpc::StatusCode::RESOURCE_EXHAUSTED, "full"))), 7);
  EXPECT_EQ(ExitCodeOf(content::FromGrpcStatus(grpc::Status(grpc::StatusCode::NOT_FOUND, "no such blob"))), 7);
  EXPECT_EQ(ExitCodeOf(absl::InvalidArgumentError("")), 2);
  EXPECT_EQ(ExitCodeOf(absl::NotFoundError("")), 2);
  EXPECT_EQ(ExitCodeOf(absl::ResourceExhaustedError("")), 3);
  // Context does not change who said it.
  EXPECT_EQ(
      ExitCodeOf(platform::Annotate(FromGrpcStatus(grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "x"), "a"), "y")),
      7);
}

}  // namespace
}  // namespace wasmagent::client
