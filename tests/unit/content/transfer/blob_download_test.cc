#include "content/transfer/blob_download.h"

#include "gmock/gmock.h"
#include "tests/unit/content/transfer/faulty_cas.h"

namespace wasmagent::content {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

constexpr size_t kMiB = size_t{1} << 20;

class BlobDownloadTest : public ::testing::Test {
 protected:
  absl::Status FetchBatch(const std::vector<Digest>& digests) {
    return BlobDownload(connection_, false, progress_)
        .FetchBatch(digests, [this](size_t place, std::string_view bytes) {
          batch_.emplace_back(place, bytes);
          return absl::OkStatus();
        });
  }
  absl::Status FetchStream(const Digest& digest, bool compress = false) {
    stream_.clear();
    return BlobDownload(connection_, compress, progress_).FetchStream(digest, [this](std::string_view bytes) {
      stream_ += bytes;
      return sink_;
    });
  }

  FaultyCas cas_;
  CasConnection connection_{{cas_.Channel()}, kQuickRetry};
  uint64_t blobs_done_ = 0;
  uint64_t bytes_done_ = 0;
  TransferProgress tell_ = [this](uint64_t blobs, uint64_t bytes) {
    blobs_done_ = blobs;
    bytes_done_ = bytes;
  };
  ProgressSum progress_{tell_};
  std::vector<std::pair<size_t, std::string>> batch_;
  std::string stream_;
  absl::Status sink_;
};

// A batch is asked for again when the connection failed; one blob that is wanted in two places comes once.
TEST_F(BlobDownloadTest, ABatchIsTriedAgain) {
  Digest one = cas_.Add("one"), two = cas_.Add("two");
  cas_.failures = 2;
  ASSERT_TRUE(FetchBatch({one, two, one}).ok());
  EXPECT_EQ(cas_.calls, 3);
  EXPECT_THAT(batch_, UnorderedElementsAre(Pair(0, "one"), Pair(1, "two"), Pair(2, "one")));
  EXPECT_EQ(blobs_done_, 3U);
  EXPECT_EQ(bytes_done_, 9U);
}

// Bytes of another digest never reach the caller.
TEST_F(BlobDownloadTest, OtherBytesAreDataLoss) {
  Digest one = cas_.Add("one");
  cas_.blobs[one.Hex()] = "eno";
  absl::Status status = FetchBatch({one});
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()), HasSubstr(one.ToString()));
  EXPECT_THAT(batch_, IsEmpty());
}

// Each blob has its own answer, and the error names the blob; a blob without one is an error, too.
TEST_F(BlobDownloadTest, TheAnswerForOneBlobNamesIt) {
  Digest one = cas_.Add("one"), two = cas_.Add("two");
  cas_.answers[two.Hex()] = grpc::StatusCode::NOT_FOUND;
  EXPECT_EQ(FetchBatch({one, two}),
            SaidByServer(absl::NotFoundError("fetch blob " + two.ToString() + ": so the server says")));
  cas_.answers[two.Hex()] = std::nullopt;
  EXPECT_EQ(FetchBatch({one, two}).code(), absl::StatusCode::kInternal);
}

// A stream that is cut goes on behind what has come, compressed or not; progress counts no byte twice.
TEST_F(BlobDownloadTest, AStreamGoesOnWhereItWasCut) {
  std::string bytes = Noise(3 * kMiB);
  Digest digest = cas_.Add(bytes);
  cas_.cuts = 1;
  cas_.cut_after = 2 * kMiB;
  ASSERT_TRUE(FetchStream(digest).ok());
  EXPECT_TRUE(stream_ == bytes);
  EXPECT_THAT(cas_.offsets, ElementsAre(0, 2 * kMiB));
  EXPECT_EQ(blobs_done_, 1U);
  EXPECT_EQ(bytes_done_, bytes.size());
  cas_.cuts = 1;
  cas_.offsets.clear();
  ASSERT_TRUE(FetchStream(digest, /*compress=*/true).ok());
  EXPECT_TRUE(stream_ == bytes);
  ASSERT_EQ(cas_.offsets.size(), 2U);
  EXPECT_GT(cas_.offsets[1], 0);
  EXPECT_EQ(bytes_done_, 2 * bytes.size());
}

// As long as every try brings something, there is another.
TEST_F(BlobDownloadTest, TriesDoNotRunOutWhileThereIsProgress) {
  std::string bytes = Noise(kMiB);
  Digest digest = cas_.Add(bytes);
  cas_.failure = {grpc::StatusCode::CANCELLED, "not now"};
  cas_.cuts = kTries + 2;
  cas_.cut_after = 100'000;
  ASSERT_TRUE(FetchStream(digest).ok());
  EXPECT_TRUE(stream_ == bytes);
}

// A stream that ends early without a word is asked for again.
TEST_F(BlobDownloadTest, AnEarlyEndIsACut) {
  Digest digest = cas_.Add(Noise(kMiB));
  cas_.cuts = 1;
  cas_.cut_after = 300'000;
  cas_.cut_silently = true;
  ASSERT_TRUE(FetchStream(digest).ok());
  EXPECT_THAT(cas_.offsets, ElementsAre(0, 300'000));
}

// Without progress a stream is given up after a while, with the last error.
TEST_F(BlobDownloadTest, GivesUpWithoutProgress) {
  Digest digest = cas_.Add("bytes");
  cas_.failures = 100;
  cas_.failure = {grpc::StatusCode::CANCELLED, "not now"};
  EXPECT_EQ(FetchStream(digest), SaidByServer(absl::CancelledError("fetch blob " + digest.ToString() + ": not now")));
  EXPECT_EQ(cas_.calls, kTries);
}

// A server that is away is waited for, however often it is asked meanwhile.
TEST_F(BlobDownloadTest, OutlastsAnOutage) {
  Digest digest = cas_.Add("bytes");
  cas_.failures = 20;
  ASSERT_TRUE(FetchStream(digest).ok());
  cas_.failures = 20;
  ASSERT_TRUE(FetchBatch({digest}).ok());
}

// Other bytes, and more bytes, than the digest's are found out.
TEST_F(BlobDownloadTest, AStreamIsChecked) {
  Digest digest = cas_.Add("bytes");
  for (bool compress : {false, true}) {
    cas_.blobs[digest.Hex()] = "other";
    EXPECT_EQ(FetchStream(digest, compress).code(), absl::StatusCode::kDataLoss);
    cas_.blobs[digest.Hex()] = "bytes and more";
    EXPECT_FALSE(FetchStream(digest, compress).ok());
    EXPECT_EQ(stream_, "");
  }
  EXPECT_EQ(blobs_done_, 0U);
}

// What the request is refused for, or the caller cannot take, is not tried again.
TEST_F(BlobDownloadTest, WhatNoTryMendsIsNotTriedAgain) {
  absl::Status absent = FetchStream(Digest::Of("absent"));
  EXPECT_EQ(absent.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(cas_.calls, 1);
  sink_ = absl::ResourceExhaustedError("the disk is full");
  absl::Status full = FetchStream(cas_.Add(Noise(kMiB)));
  EXPECT_EQ(full.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(full.message()), HasSubstr("the disk is full"));
  EXPECT_EQ(cas_.calls, 2);
}

}  // namespace
}  // namespace wasmagent::content
