#include "client/session/grpc_status.h"

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "grpcpp/support/status.h"
#include "gtest/gtest.h"

namespace wasmagent::client {
namespace {

// "Could not accept" carries the list of missing blobs over the wire, in order; other violations are not mistaken for
// them.
TEST(GrpcStatusTest, ReadsMissingBlobs) {
  auto one = content::Digest::Of("one"), two = content::Digest::Of("two");
  google::rpc::PreconditionFailure failure;
  for (const auto& [type, subject] : {std::pair<std::string, std::string>{"MISSING", "blobs/" + one.ToString()},
                                      {"OTHER", "blobs/" + one.ToString()},
                                      {"MISSING", "no blob"},
                                      {"MISSING", "blobs/" + two.ToString()}}) {
    auto& violation = *failure.add_violations();
    violation.set_type(type);
    violation.set_subject(subject);
  }
  google::rpc::Status details;
  details.add_details()->PackFrom(failure);
  grpc::Status wire(grpc::StatusCode::FAILED_PRECONDITION, "missing", details.SerializeAsString());
  absl::Status status = FromGrpcStatus(wire, "here:1");
  EXPECT_EQ(MissingBlobs(status), (std::vector<content::Digest>{one, two}));
  EXPECT_TRUE(MissingBlobs(absl::FailedPreconditionError("no list")).empty());
}

// Named: an agent that is not there is named by its address, with the command to try next.
TEST(GrpcStatusTest, UnavailableSaysWhereAndWhatToDo) {
  std::string text(FromGrpcStatus(grpc::Status(grpc::StatusCode::UNAVAILABLE, "refused"), "here:1").message());
  EXPECT_NE(text.find("here:1"), std::string::npos) << text;
  EXPECT_NE(text.find("wasmctl agent"), std::string::npos) << text;
  EXPECT_TRUE(FromGrpcStatus(grpc::Status::OK, "here:1").ok());
}

}  // namespace
}  // namespace wasmagent::client
