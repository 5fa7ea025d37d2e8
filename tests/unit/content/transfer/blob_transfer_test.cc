#include "content/transfer/blob_transfer.h"

#include <fcntl.h>

#include "gmock/gmock.h"
#include "platform/file.h"
#include "tests/unit/content/transfer/faulty_cas.h"

namespace wasmagent::content {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class BlobTransferTest : public ::testing::Test {
 protected:
  BlobTransferTest() : directory_(platform::MakeTemporaryDirectory(::testing::TempDir(), "transfer").value()) {
    // Blobs of more than some hundred bytes go as streams.
    cas_.capabilities.mutable_cache_capabilities()->set_max_batch_total_size_bytes(1000);
    cas_.capabilities.mutable_cache_capabilities()->add_supported_compressors(reapi::Compressor::ZSTD);
  }
  ~BlobTransferTest() override { EXPECT_TRUE(platform::RemoveTree(directory_).ok()); }

  BlobTransfer::Download To(const Digest& digest, const std::string& name) {
    auto open = [path = directory_ + "/" + name]() -> absl::StatusOr<int> {
      auto fd = platform::OpenAt(AT_FDCWD, path, O_WRONLY | O_CREAT | O_EXCL, 0644);
      if (!fd.ok()) return fd.status();
      return fd->release();
    };
    return {digest, open, name};
  }
  std::string Got(const std::string& name) { return platform::ReadFile(directory_ + "/" + name).value_or("none"); }

  const std::string directory_;
  FaultyCas cas_;
  BlobTransfer transfer_{{cas_.Channel(), cas_.Channel()}, 4, kQuickRetry};
};

// The limits are asked for once, and again after a failure that passes.
TEST_F(BlobTransferTest, LimitsAreAskedForOnce) {
  cas_.failures = 1;
  for (int i = 0; i < 3; ++i) {
    auto limits = transfer_.Limits();
    ASSERT_TRUE(limits.ok()) << limits.status();
    EXPECT_EQ(limits->max_batch_bytes, 1000U);
    EXPECT_TRUE(limits->zstd);
  }
  EXPECT_EQ(cas_.capability_calls, 2);
}

// A server without that service has the usual limits; so has one that names none.
TEST_F(BlobTransferTest, LimitsHaveDefaults) {
  FaultyCas silent(/*with_capabilities=*/false), unlimited;
  for (FaultyCas* cas : {&silent, &unlimited}) {
    auto limits = BlobTransfer({cas->Channel()}).Limits();
    ASSERT_TRUE(limits.ok()) << limits.status();
    EXPECT_EQ(limits->max_batch_bytes, TransferLimits().max_batch_bytes);
    EXPECT_FALSE(limits->zstd);
  }
}

// What is missing comes in the order asked for, each once.
TEST_F(BlobTransferTest, FindsWhatIsMissingInOrder) {
  Digest one = Digest::Of("1"), two = Digest::Of("2"), here = cas_.Add("3");
  EXPECT_THAT(transfer_.FindMissing({two, here, one, two}).value(), ElementsAre(two, one));
  EXPECT_THAT(transfer_.FindMissing({}).value(), IsEmpty());
}

// Many digests are asked for in several calls, each of them again where the connection fails.
TEST_F(BlobTransferTest, AsksInPieces) {
  std::vector<Digest> digests;
  for (int i = 0; i < 10'001; ++i) digests.push_back(Digest::Of(std::to_string(i)));
  cas_.failures = 2;
  EXPECT_EQ(transfer_.FindMissing(digests).value(), digests);
  EXPECT_THAT(cas_.asked, ElementsAre(10'000, 1));
}

// Without an answer it is given up after a while; what is refused is not asked again.
TEST_F(BlobTransferTest, GivesUp) {
  cas_.failures = 100;
  BlobTransfer impatient({cas_.Channel()}, 1, kNoPatience);
  EXPECT_EQ(impatient.FindMissing({Digest::Of("1")}).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(cas_.calls, 1);
  cas_.failure = {grpc::StatusCode::CANCELLED, "not now"};
  EXPECT_EQ(transfer_.FindMissing({Digest::Of("1")}).status().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(cas_.calls, 6);
  cas_.failure = {grpc::StatusCode::PERMISSION_DENIED, "not you"};
  absl::Status refused = transfer_.FindMissing({Digest::Of("1")}).status();
  EXPECT_EQ(refused, SaidByServer(absl::PermissionDeniedError("ask which blobs are missing: not you")));
  EXPECT_EQ(cas_.calls, 7);
}

// Small and large blobs arrive, by batches and streams, and progress ends at all of them.
TEST_F(BlobTransferTest, SendsSmallAndLarge) {
  std::vector<BlobSource> blobs;
  uint64_t size = 0;
  for (int i = 0; i < 50; ++i) {
    std::string bytes(static_cast<size_t>(40 * i), static_cast<char>('0' + i));
    size += bytes.size();
    blobs.push_back({Digest::Of(bytes), {}, bytes, "f"});
  }
  uint64_t blobs_done = 0, bytes_done = 0;
  ASSERT_TRUE(transfer_
                  .Upload(blobs,
                          [&](uint64_t count, uint64_t bytes) {
                            EXPECT_GE(count, blobs_done);
                            EXPECT_GE(bytes, bytes_done);
                            blobs_done = count;
                            bytes_done = bytes;
                          })
                  .ok());
  EXPECT_EQ(blobs_done, 50U);
  EXPECT_EQ(bytes_done, size);
  for (const BlobSource& blob : blobs) EXPECT_EQ(cas_.blobs[blob.digest.Hex()], blob.bytes);
  EXPECT_FALSE(cas_.stream_ids.empty());
  EXPECT_EQ(cas_.compressed, 0) << "a server on this machine gets bytes as they are";
}

// Read takes either way, and refuses what would fill the memory without asking for it.
TEST_F(BlobTransferTest, ReadsIntoMemory) {
  std::string large = Noise(5000);
  EXPECT_EQ(transfer_.Read(cas_.Add("small")).value(), "small");
  EXPECT_TRUE(transfer_.Read(cas_.Add(large)).value() == large);
  EXPECT_EQ(transfer_.Read(Digest::Of("absent" + large)).status().code(), absl::StatusCode::kNotFound);
  cas_.calls = 0;
  Digest huge = Digest::Of("x");
  huge.size = (uint64_t{64} << 20) + 1;
  EXPECT_EQ(transfer_.Read(huge).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(cas_.calls, 0);
}

// Files get their bytes, one blob as often as it is wanted.
TEST_F(BlobTransferTest, FetchesFiles) {
  std::string large = Noise(5000);
  Digest small = cas_.Add("small"), big = cas_.Add(large), empty = cas_.Add("");
  uint64_t blobs_done = 0;
  ASSERT_TRUE(transfer_
                  .DownloadAll({To(small, "a"), To(big, "b"), To(small, "c"), To(empty, "d")},
                               [&](uint64_t count, uint64_t) { blobs_done = count; })
                  .ok());
  EXPECT_EQ(Got("a"), "small");
  EXPECT_TRUE(Got("b") == large);
  EXPECT_EQ(Got("c"), "small");
  EXPECT_EQ(Got("d"), "");
  EXPECT_EQ(blobs_done, 4U);
}

// Whatever goes wrong with a file, the error names it: other bytes, a refusal, a place that cannot be written.
TEST_F(BlobTransferTest, ErrorsNameTheFile) {
  Digest small = cas_.Add("small"), big = cas_.Add(Noise(5000)), fine = cas_.Add("fine");
  cas_.blobs[small.Hex()] = "llams";
  cas_.blobs[big.Hex()] = std::string(5000, 'x');
  for (const Digest& digest : {small, big}) {
    absl::Status status = transfer_.DownloadAll({To(fine, digest.Hex()), To(digest, "python.wasm")});
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
    EXPECT_THAT(std::string(status.message()), HasSubstr("python.wasm")) << status;
    ASSERT_TRUE(platform::RemoveTree(directory_ + "/python.wasm").ok());
  }
  cas_.answers[fine.Hex()] = grpc::StatusCode::NOT_FOUND;
  absl::Status gone = transfer_.DownloadAll({To(fine, "libfine.a")});
  EXPECT_EQ(gone.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(gone.message()), HasSubstr("libfine.a"));
  cas_.answers.clear();
  EXPECT_THAT(std::string(transfer_.DownloadAll({To(fine, "no/folder")}).message()), HasSubstr("no/folder"));
}

}  // namespace
}  // namespace wasmagent::content
