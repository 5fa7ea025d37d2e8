#include "agent/builds/missing_blobs.h"

#include "gmock/gmock.h"
#include "google/rpc/error_details.pb.h"
#include "gtest/gtest.h"

namespace wasmagent::builds {
namespace {

using content::Digest;
using ::testing::HasSubstr;

google::rpc::PreconditionFailure ListIn(const absl::Status& status) {
  google::rpc::PreconditionFailure failure;
  auto payload = status.GetPayload("type.googleapis.com/google.rpc.PreconditionFailure");
  EXPECT_TRUE(payload && failure.ParseFromString(std::string(*payload)));
  return failure;
}

// The refusal carries the list, in order, in the form that Remote Execution clients know.
TEST(MissingBlobs, AreListedInOrder) {
  Digest one = Digest::Of("one"), two = Digest::Of("two");
  absl::Status status = MissingBlobsError({two, one});
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("2 blobs of the tree are missing"));
  auto list = ListIn(status);
  ASSERT_EQ(list.violations_size(), 2);
  EXPECT_EQ(list.violations(0).type(), "MISSING");
  EXPECT_EQ(list.violations(0).subject(), "blobs/" + two.ToString());
  EXPECT_EQ(list.violations(1).subject(), "blobs/" + one.ToString());
}

// A list that is too long is cut, and says that there may be more.
TEST(MissingBlobs, AreBounded) {
  absl::Status status = MissingBlobsError(std::vector<Digest>(kMostMissingBlobs + 1, Digest::Of("one")));
  EXPECT_EQ(ListIn(status).violations_size(), static_cast<int>(kMostMissingBlobs));
  EXPECT_THAT(std::string(status.message()), HasSubstr("or more"));
}

}  // namespace
}  // namespace wasmagent::builds
