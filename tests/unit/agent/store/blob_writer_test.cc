#include "agent/store/blob_writer.h"

#include <memory>

#include "gmock/gmock.h"
#include "tests/unit/agent/store/store_parts.h"

namespace wasmagent::store {
namespace {

using content::Digest;
using ::testing::HasSubstr;

class BlobWriterTest : public StoreParts {
 protected:
  std::unique_ptr<StagedWriter> NewWriter(const Digest& digest) {
    return std::make_unique<StagedWriter>(files_, files_.Stage().value(), digest);
  }
};

// A blob written in pieces is absent until Commit, and then present with those bytes.
TEST_F(BlobWriterTest, PiecesBecomeABlobAtCommit) {
  std::string bytes;
  for (int i = 0; i < 10; ++i) bytes += std::string(1 << 20, static_cast<char>('a' + i));
  Digest digest = Digest::Of(bytes);
  auto writer = NewWriter(digest);
  for (size_t at = 0; at < bytes.size(); at += 1 << 20) {
    EXPECT_EQ(writer->written(), at);
    ASSERT_TRUE(writer->Write(std::string_view(bytes).substr(at, 1 << 20)).ok());
  }
  EXPECT_FALSE(index_.Find(digest.hash));
  ASSERT_TRUE(writer->Commit().ok());
  EXPECT_TRUE(index_.Find(digest.hash));
  EXPECT_TRUE(platform::ReadFile(PathOf(digest)).value() == bytes);
}

// Other bytes than the digest's are refused with both digests, and nothing stays.
TEST_F(BlobWriterTest, WrongBytesAreRefused) {
  Digest digest = Digest::Of("right");
  auto writer = NewWriter(digest);
  ASSERT_TRUE(writer->Write("wrong").ok());
  absl::Status status = writer->Commit();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr(digest.ToString()));
  EXPECT_THAT(std::string(status.message()), HasSubstr(Digest::Of("wrong").ToString()));
  writer.reset();
  EXPECT_EQ(FilesIn("tmp"), 0U);
  EXPECT_FALSE(OnDisk(digest));
  EXPECT_FALSE(OnDisk(Digest::Of("wrong")));
}

// Too few bytes are wrong bytes.
TEST_F(BlobWriterTest, ACutBlobIsRefused) {
  auto writer = NewWriter(Digest::Of("whole"));
  ASSERT_TRUE(writer->Write("who").ok());
  EXPECT_EQ(writer->Commit().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_FALSE(OnDisk(Digest::Of("whole")));
}

// More bytes than the digest says are refused before they are written.
TEST_F(BlobWriterTest, NoMoreIsTakenThanTheDigestSays) {
  auto writer = NewWriter(Digest::Of("five5"));
  ASSERT_TRUE(writer->Write("five").ok());
  EXPECT_EQ(writer->Write("56").code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(writer->written(), 4U);
  ASSERT_TRUE(writer->Write("5").ok());
  EXPECT_TRUE(writer->Commit().ok()) << "what was refused is not part of it";
}

// A writer that is given up leaves nothing.
TEST_F(BlobWriterTest, GivenUpLeavesNothing) {
  auto writer = NewWriter(Digest::Of("whole"));
  ASSERT_TRUE(writer->Write("who").ok());
  EXPECT_EQ(FilesIn("tmp"), 1U);
  writer.reset();
  EXPECT_EQ(FilesIn("tmp"), 0U);
}

}  // namespace
}  // namespace wasmagent::store
