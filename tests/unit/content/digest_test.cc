#include "content/digest.h"

#include <fcntl.h>
#include <unistd.h>

#include "gtest/gtest.h"
#include "platform/file.h"
#include "platform/scoped_fd.h"

namespace wasmagent::content {
namespace {

constexpr char kAbc[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

// The digest is SHA-256 as FIPS 180 gives it, of memory, of pieces and of a file.
TEST(Digest, IsSha256) {
  EXPECT_EQ(Digest::Of("abc").Hex(), kAbc);
  EXPECT_EQ(Digest::Empty().Hex(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  Hasher hasher;
  hasher.Update("a");
  hasher.Update("bc");
  EXPECT_EQ(hasher.Finish(), Digest::Of("abc"));
  EXPECT_EQ(hasher.Finish(), Digest::Empty());
  EXPECT_NE(Digest(), Digest::Empty());
}

// Files of every length around the buffer's have the digest of their bytes.
TEST(Digest, OfAFileIsThatOfItsBytes) {
  for (size_t size : {size_t{0}, size_t{1}, size_t{262143}, size_t{262144}, size_t{262145}, size_t{1000000}}) {
    std::string bytes(size, 'q');
    std::string path = ::testing::TempDir() + "/digest_of_file";
    ASSERT_TRUE(platform::WriteFileAtomically(path, bytes, 0600, false).ok());
    auto fd = platform::OpenAt(AT_FDCWD, path, O_RDONLY).value();
    EXPECT_EQ(DigestOfFile(fd.get()).value(), Digest::Of(bytes)) << size;
    ::unlink(path.c_str());
  }
}

// Only one spelling of a digest is taken, from text and from the wire.
TEST(Digest, TakesOneSpellingOnly) {
  std::string good = std::string(kAbc) + "/3";
  EXPECT_EQ(Digest::Parse(good).value(), Digest::Of("abc"));
  EXPECT_EQ(Digest::Parse(good).value().ToString(), good);
  for (std::string bad :
       {std::string(kAbc), std::string(kAbc) + "/", std::string(kAbc) + "/03", std::string(kAbc) + "/-3",
        std::string(kAbc) + "/9223372036854775808", "BA" + good.substr(2), good.substr(2), good + " ", std::string()}) {
    EXPECT_EQ(Digest::Parse(bad).status().code(), absl::StatusCode::kInvalidArgument) << bad;
  }
  reapi::Digest proto = Digest::Of("abc").ToProto();
  EXPECT_EQ(Digest::FromProto(proto).value(), Digest::Of("abc"));
  proto.set_size_bytes(-1);
  EXPECT_FALSE(Digest::FromProto(proto).ok());
}

}  // namespace
}  // namespace wasmagent::content
