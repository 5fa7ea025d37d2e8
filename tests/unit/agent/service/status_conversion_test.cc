#include "agent/service/status_conversion.h"

#include "agent/builds/missing_blobs.h"
#include "gmock/gmock.h"
#include "google/rpc/error_details.pb.h"
#include "gtest/gtest.h"

namespace wasmagent::service {
namespace {

using content::Digest;

google::rpc::Status DetailsOf(const grpc::Status& status) {
  google::rpc::Status details;
  EXPECT_TRUE(details.ParseFromString(status.error_details()));
  return details;
}

// Code and text are the same on both sides; without payloads there are no details.
TEST(StatusConversion, KeepsCodeAndText) {
  grpc::Status status = ToGrpcStatus(absl::NotFoundError("no such build"));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(status.error_message(), "no such build");
  EXPECT_EQ(status.error_details(), "");
  EXPECT_TRUE(ToGrpcStatus(absl::OkStatus()).ok());
  EXPECT_EQ(ToRpcStatus(absl::OkStatus()).code(), 0);
}

// Each payload is a detail under its type URL.
TEST(StatusConversion, PayloadsBecomeDetails) {
  absl::Status status = absl::AbortedError("text");
  status.SetPayload("type.googleapis.com/a.Kind", absl::Cord("payload"));
  for (const google::rpc::Status& message : {DetailsOf(ToGrpcStatus(status)), ToRpcStatus(status)}) {
    EXPECT_EQ(message.code(), static_cast<int>(absl::StatusCode::kAborted));
    EXPECT_EQ(message.message(), "text");
    ASSERT_EQ(message.details_size(), 1);
    EXPECT_EQ(message.details(0).type_url(), "type.googleapis.com/a.Kind");
    EXPECT_EQ(message.details(0).value(), "payload");
  }
}

// A list of missing blobs is cut to what fits gRPC's 8 KiB of headers, text included, and begins as it did.
TEST(StatusConversion, AnErrorFitsTheHeaders) {
  std::vector<Digest> missing;
  for (int i = 0; i < 5000; ++i) missing.push_back(Digest::Of(std::to_string(i)));
  absl::Status list = builds::MissingBlobsError(missing);
  absl::Status error(list.code(), std::string(100'000, 'x'));
  list.ForEachPayload([&](auto url, const absl::Cord& payload) { error.SetPayload(url, payload); });
  grpc::Status status = ToGrpcStatus(error);
  // Binary headers grow by a third.
  EXPECT_LT(status.error_message().size() + status.error_details().size() * 4 / 3, size_t{8} << 10);
  google::rpc::PreconditionFailure cut;
  ASSERT_TRUE(cut.ParseFromString(DetailsOf(status).details(0).value()));
  EXPECT_GT(cut.violations_size(), 10);
  EXPECT_EQ(cut.violations(0).subject(), "blobs/" + missing[0].ToString());
  google::rpc::PreconditionFailure whole;
  ASSERT_TRUE(whole.ParseFromString(ToRpcStatus(list).details(0).value()));
  EXPECT_EQ(whole.violations_size(), 5000) << "a status inside a message has room";
}

// A long text is cut between characters: half of one would make the details unreadable.
TEST(StatusConversion, TextIsCutBetweenCharacters) {
  for (size_t before = 0; before < 4; ++before) {
    std::string text(1020 + before, 'x');
    for (int i = 0; i < 10; ++i) text += "\xf0\x9f\x90\x8d";
    absl::Status status = absl::FailedPreconditionError(text);
    status.SetPayload("type.googleapis.com/a.Kind", absl::Cord("payload"));
    EXPECT_EQ(DetailsOf(ToGrpcStatus(status)).details_size(), 1);
    EXPECT_TRUE(text.starts_with(ToGrpcStatus(status).error_message()));
  }
}

}  // namespace
}  // namespace wasmagent::service
