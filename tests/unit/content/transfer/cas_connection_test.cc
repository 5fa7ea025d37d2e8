#include "content/transfer/cas_connection.h"

#include "gmock/gmock.h"
#include "grpcpp/create_channel.h"
#include "gtest/gtest.h"

namespace wasmagent::content {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

Digest OfSize(uint64_t size) {
  Digest digest;
  digest.size = size;
  return digest;
}

// Small blobs share a batch that stays within the limit, what is too large for one is a stream, and streams go first.
TEST(PackParcels, StreamsGoFirst) {
  auto parcels = PackParcels({OfSize(300), OfSize(5000), OfSize(300), OfSize(300), OfSize(900)}, 1000);
  std::vector<std::pair<bool, std::vector<size_t>>> packed;
  for (const Parcel& parcel : parcels) packed.emplace_back(parcel.stream, parcel.places);
  EXPECT_THAT(packed, ElementsAre(Pair(true, ElementsAre(1)), Pair(true, ElementsAre(4)),
                                  Pair(false, ElementsAre(0, 2)), Pair(false, ElementsAre(3))));
  EXPECT_TRUE(PackParcels({}, 1000).empty());
}

// A batch has a bound of its own, in bytes and in blobs, however much a server takes.
TEST(PackParcels, BatchesAreBounded) {
  std::vector<Digest> empty(10'000, OfSize(0));
  auto parcels = PackParcels(empty, UINT64_MAX);
  EXPECT_EQ(parcels.size(), 3U);
  std::vector<Digest> large(8, OfSize(uint64_t{1} << 19));
  for (const Parcel& parcel : PackParcels(large, UINT64_MAX)) EXPECT_LE(parcel.places.size(), 3U);
}

// Another try helps when the connection is at fault, not when the request is.
TEST(CasConnection, TriesAgainForTheConnectionOnly) {
  EXPECT_TRUE(MayTryAgain(absl::UnavailableError("")));
  EXPECT_TRUE(MayTryAgain(absl::CancelledError("")));
  EXPECT_FALSE(MayTryAgain(absl::OkStatus()));
  EXPECT_FALSE(MayTryAgain(absl::InvalidArgumentError("")));
  EXPECT_FALSE(MayTryAgain(absl::NotFoundError("")));
  EXPECT_FALSE(MayTryAgain(absl::ResourceExhaustedError("")));
}

// An outage is waited for by time alone; an answer is believed after some tries; what has brought something begins
// anew.
TEST(Retry, WaitsForWhatPasses) {
  const RetryLimits quick = {absl::InfiniteDuration(), absl::Nanoseconds(1), absl::Nanoseconds(1)};
  Retry outage(quick), answers(quick);
  for (int i = 0; i < 3 * kTries; ++i) EXPECT_TRUE(outage.Again(absl::UnavailableError("")));
  EXPECT_FALSE(Retry({absl::ZeroDuration()}).Again(absl::UnavailableError("")));
  for (int round = 0; round < 2; ++round) {
    for (int i = 1; i < kTries; ++i) EXPECT_TRUE(answers.Again(absl::CancelledError("")));
    EXPECT_FALSE(answers.Again(absl::CancelledError("")));
    answers.Renew();
  }
  EXPECT_FALSE(outage.Again(absl::OkStatus()));
  EXPECT_FALSE(outage.Again(absl::NotFoundError("")));
}

// Channels take turns.
TEST(CasConnection, SpreadsOverChannels) {
  auto channel = [] { return grpc::CreateChannel("unix:/nowhere", grpc::InsecureChannelCredentials()); };
  CasConnection connection({channel(), channel()});
  auto& first = connection.Next();
  auto& second = connection.Next();
  EXPECT_NE(&first, &second);
  EXPECT_EQ(&connection.Next(), &first);
}

// Progress is told as sums.
TEST(ProgressSum, AddsUp) {
  std::vector<std::pair<uint64_t, uint64_t>> told;
  TransferProgress tell = [&](uint64_t blobs, uint64_t bytes) { told.emplace_back(blobs, bytes); };
  ProgressSum sum(tell);
  sum.Add(0, 10);
  sum.Add(2, 5);
  EXPECT_THAT(told, ElementsAre(Pair(0, 10), Pair(2, 15)));
  TransferProgress nobody;
  ProgressSum(nobody).Add(1, 1);
}

}  // namespace
}  // namespace wasmagent::content
