#include "content/transfer/blob_upload.h"

#include <fcntl.h>

#include "gmock/gmock.h"
#include "platform/file.h"
#include "tests/unit/content/transfer/faulty_cas.h"

namespace wasmagent::content {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using ::testing::StartsWith;

constexpr size_t kMiB = size_t{1} << 20;

class BlobUploadTest : public ::testing::Test {
 protected:
  BlobUploadTest() : directory_(platform::MakeTemporaryDirectory(::testing::TempDir(), "upload").value()) {}
  ~BlobUploadTest() override { EXPECT_TRUE(platform::RemoveTree(directory_).ok()); }

  static BlobSource Bytes(const std::string& bytes) { return {Digest::Of(bytes), {}, bytes, "a name"}; }
  // A file that once had these bytes.
  BlobSource File(const std::string& name, const std::string& once, const std::string& now) {
    std::string path = directory_ + "/" + name.substr(name.rfind('/') + 1);
    EXPECT_TRUE(platform::WriteFileAtomically(path, now, 0644, false).ok());
    auto open = [path]() -> absl::StatusOr<int> {
      auto fd = platform::OpenAt(AT_FDCWD, path, O_RDONLY);
      if (!fd.ok()) return fd.status();
      return fd->release();
    };
    return {Digest::Of(once), open, "", name};
  }
  absl::Status SendBatch(std::vector<BlobSource> blobs, bool compress = false) {
    std::vector<BlobSource*> batch;
    for (BlobSource& blob : blobs) batch.push_back(&blob);
    return BlobUpload(connection_, limits_, compress, progress_).SendBatch(batch);
  }
  absl::Status SendStream(BlobSource blob, bool compress = false) {
    return BlobUpload(connection_, limits_, compress, progress_).SendStream(blob);
  }

  const std::string directory_;
  FaultyCas cas_;
  CasConnection connection_{{cas_.Channel()}, kQuickRetry};
  TransferLimits limits_;
  uint64_t blobs_done_ = 0;
  uint64_t bytes_done_ = 0;
  TransferProgress tell_ = [this](uint64_t blobs, uint64_t bytes) {
    blobs_done_ = blobs;
    bytes_done_ = bytes;
  };
  ProgressSum progress_{tell_};
};

// A batch is sent again when the connection failed, and counted once.
TEST_F(BlobUploadTest, ABatchIsTriedAgain) {
  cas_.failures = 2;
  ASSERT_TRUE(SendBatch({Bytes("one"), File("two", "two", "two")}).ok());
  EXPECT_EQ(cas_.calls, 3);
  EXPECT_EQ(cas_.blobs[Digest::Of("two").Hex()], "two");
  EXPECT_EQ(blobs_done_, 2U);
  EXPECT_EQ(bytes_done_, 6U);
}

// What the request itself is refused for is not tried again.
TEST_F(BlobUploadTest, ARefusedBatchIsNotTriedAgain) {
  cas_.failures = 1;
  cas_.failure = {grpc::StatusCode::RESOURCE_EXHAUSTED, "the agent's disk is full"};
  absl::Status status = SendBatch({Bytes("one")});
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(status.message()), HasSubstr("the agent's disk is full"));
  EXPECT_EQ(cas_.calls, 1);
}

// Each blob has its own answer, and the error names the blob; a blob without one is an error, too.
TEST_F(BlobUploadTest, TheAnswerForOneBlobNamesIt) {
  cas_.answers[Digest::Of("two").Hex()] = grpc::StatusCode::RESOURCE_EXHAUSTED;
  absl::Status status = SendBatch({Bytes("one"), File("src/two.c", "two", "two")});
  EXPECT_EQ(status, SaidByServer(absl::ResourceExhaustedError("send src/two.c: so the server says")));
  cas_.answers[Digest::Of("two").Hex()] = std::nullopt;
  status = SendBatch({Bytes("one"), File("src/two.c", "two", "two")});
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_THAT(std::string(status.message()), HasSubstr("src/two.c"));
}

// Bytes in memory that are refused are a mistake, a file's are a change.
TEST_F(BlobUploadTest, RefusedBytesOfAFileAreAChange) {
  cas_.answers[Digest::Of("two").Hex()] = grpc::StatusCode::INVALID_ARGUMENT;
  EXPECT_EQ(SendBatch({Bytes("two")}).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(SendBatch({File("f", "two", "owt")}), absl::AbortedError("f changed while it was being sent"));
}

// A file that has shrunk, grown or gone since it was scanned has changed; it is named, and nothing of it is sent.
TEST_F(BlobUploadTest, AFileThatChangedIsNamed) {
  const absl::Status changed = absl::AbortedError("f changed while it was being sent");
  EXPECT_EQ(SendBatch({File("f", "scanned", "scan")}), changed);
  EXPECT_EQ(SendBatch({File("f", "scanned", "scanned more")}), changed);
  BlobSource gone = File("f", "scanned", "");
  ASSERT_TRUE(platform::RemoveTree(directory_ + "/f").ok());
  EXPECT_EQ(SendBatch({gone}), changed);
  EXPECT_EQ(SendStream(gone), changed);
  EXPECT_EQ(cas_.calls, 0);
  for (const std::string& now : {Noise(2 * kMiB + 5), std::string(3 * kMiB, 'x')}) {
    absl::Status status = SendStream(File("f", Noise(3 * kMiB), now));
    EXPECT_EQ(status.code(), absl::StatusCode::kAborted);
    EXPECT_THAT(std::string(status.message()), HasSubstr("f changed while it was being sent"));
  }
  EXPECT_TRUE(cas_.blobs.empty());
}

// Compressed is what shrinks by it.
TEST_F(BlobUploadTest, CompressesWhatShrinks) {
  std::string text(100'000, 'a');
  std::string noise = Noise(100'000);
  ASSERT_TRUE(SendBatch({Bytes(text), Bytes(noise), Bytes("short")}, /*compress=*/true).ok());
  EXPECT_EQ(cas_.compressed, 1);
  EXPECT_TRUE(cas_.blobs[Digest::Of(text).Hex()] == text);
  EXPECT_TRUE(cas_.blobs[Digest::Of(noise).Hex()] == noise);
  std::string long_text(3 * kMiB, 'b');
  std::string long_noise = Noise(3 * kMiB);
  ASSERT_TRUE(SendStream(Bytes(long_text), true).ok());
  ASSERT_TRUE(SendStream(Bytes(long_noise), true).ok());
  EXPECT_EQ(cas_.compressed, 2);
  EXPECT_TRUE(cas_.blobs[Digest::Of(long_text).Hex()] == long_text);
  EXPECT_TRUE(cas_.blobs[Digest::Of(long_noise).Hex()] == long_noise);
}

// A stream that is cut goes on where the server is, under the same name, and progress counts no byte twice.
TEST_F(BlobUploadTest, AStreamGoesOnWhereItWasCut) {
  std::string bytes = Noise(5 * kMiB);
  cas_.cuts = 1;
  cas_.cut_after = 3 * kMiB;
  ASSERT_TRUE(SendStream(File("large", bytes, bytes)).ok());
  EXPECT_THAT(cas_.offsets, ElementsAre(0, 3 * kMiB));
  EXPECT_EQ(cas_.stream_ids[0], cas_.stream_ids[1]);
  EXPECT_TRUE(cas_.blobs[Digest::Of(bytes).Hex()] == bytes);
  EXPECT_EQ(blobs_done_, 1U);
  EXPECT_EQ(bytes_done_, bytes.size());
}

// A cut before the last word leaves nothing to send but that.
TEST_F(BlobUploadTest, AStreamThatWasCutAtItsEndIsFinished) {
  std::string bytes = Noise(3 * kMiB);
  cas_.cuts = 1;
  cas_.cut_after = bytes.size();
  ASSERT_TRUE(SendStream(Bytes(bytes)).ok());
  EXPECT_THAT(cas_.offsets, ElementsAre(0, bytes.size()));
  EXPECT_TRUE(cas_.blobs[Digest::Of(bytes).Hex()] == bytes);
}

// As long as every try brings something, there is another.
TEST_F(BlobUploadTest, TriesDoNotRunOutWhileThereIsProgress) {
  std::string bytes = Noise(8 * kMiB);
  cas_.failure = {grpc::StatusCode::CANCELLED, "not now"};
  cas_.cuts = kTries + 2;
  cas_.cut_after = kMiB;
  ASSERT_TRUE(SendStream(Bytes(bytes)).ok());
  EXPECT_THAT(cas_.offsets, SizeIs(kTries + 3));
  EXPECT_EQ(bytes_done_, bytes.size());
}

// A server that has forgotten the upload, and a compressed stream, get it from the start.
TEST_F(BlobUploadTest, BeginsAnewWhereItCannotGoOn) {
  std::string bytes = Noise(3 * kMiB);
  cas_.cuts = 1;
  cas_.cut_after = 2 * kMiB;
  cas_.forgets_uploads = true;
  ASSERT_TRUE(SendStream(Bytes(bytes)).ok());
  EXPECT_THAT(cas_.offsets, ElementsAre(0, 0));
  EXPECT_TRUE(cas_.blobs[Digest::Of(bytes).Hex()] == bytes);
  std::string half_noise = Noise(2 * kMiB);
  for (size_t i = 0; i < half_noise.size(); i += 2) half_noise[i] = 'x';
  cas_.offsets.clear();
  cas_.forgets_uploads = false;
  cas_.cuts = 1;
  cas_.cut_after = 100'000;
  ASSERT_TRUE(SendStream(Bytes(half_noise), /*compress=*/true).ok());
  EXPECT_EQ(cas_.compressed, 1);
  EXPECT_THAT(cas_.offsets, ElementsAre(0, 0));
  EXPECT_TRUE(cas_.blobs[Digest::Of(half_noise).Hex()] == half_noise);
}

// A server that has the blob says so early: whoever sent it, it is there.
TEST_F(BlobUploadTest, ABlobThatIsThereIsNotSent) {
  std::string bytes = Noise(8 * kMiB);
  cas_.Add(bytes);
  ASSERT_TRUE(SendStream(Bytes(bytes)).ok());
  EXPECT_EQ(blobs_done_, 1U);
  EXPECT_EQ(bytes_done_, bytes.size());
}

// Without progress a stream is given up after a while, with the file's name and the last error.
TEST_F(BlobUploadTest, GivesUpWithoutProgress) {
  cas_.failures = 100;
  cas_.failure = {grpc::StatusCode::CANCELLED, "not now"};
  absl::Status status = SendStream(File("lib/large.bin", Noise(3 * kMiB), Noise(3 * kMiB)));
  EXPECT_EQ(status, SaidByServer(absl::CancelledError("send lib/large.bin: not now")));
  EXPECT_EQ(cas_.calls, kTries);
}

// A server that is away is waited for, however often it is asked meanwhile.
TEST_F(BlobUploadTest, OutlastsAnOutage) {
  std::string bytes = Noise(3 * kMiB);
  cas_.failures = 20;
  ASSERT_TRUE(SendStream(Bytes(bytes)).ok());
  EXPECT_TRUE(cas_.blobs[Digest::Of(bytes).Hex()] == bytes);
  cas_.failures = 20;
  ASSERT_TRUE(SendBatch({Bytes("one")}).ok());
}

// A blob without a name is called by its digest.
TEST_F(BlobUploadTest, ABlobWithoutANameIsCalledByItsDigest) {
  cas_.answers[Digest::Of("x").Hex()] = grpc::StatusCode::PERMISSION_DENIED;
  absl::Status status = SendBatch({{Digest::Of("x"), {}, "x", ""}});
  EXPECT_THAT(std::string(status.message()), StartsWith("send blob " + Digest::Of("x").ToString()));
}

}  // namespace
}  // namespace wasmagent::content
