#include "content/compression.h"

#include "gtest/gtest.h"

namespace wasmagent::content {
namespace {

std::string Text(size_t size) {
  std::string text;
  for (unsigned i = 1; text.size() < size; ++i) text += std::to_string(i * 2654435761U) + (i % 3 != 0 ? "aaaa" : "\n");
  text.resize(size);
  return text;
}

// What is compressed, at once or in pieces, comes back, at once or in pieces, whatever its length.
TEST(Compression, ComesBack) {
  for (size_t size : {size_t{0}, size_t{1}, size_t{131072}, size_t{131073}, size_t{3000000}}) {
    std::string text = Text(size);
    EXPECT_EQ(Decompress(Compress(text), size).value(), text);
    Compressor compressor;
    std::string packed;
    for (size_t at = 0; at < size; at += 70001)
      ASSERT_TRUE(compressor.Append(text.substr(at, 70001), false, packed).ok());
    ASSERT_TRUE(compressor.Append("", true, packed).ok());
    Decompressor decompressor(size);
    std::string plain;
    for (size_t at = 0; at < packed.size(); at += 1001)
      ASSERT_TRUE(decompressor.Append(packed.substr(at, 1001), plain).ok());
    EXPECT_TRUE(decompressor.Finish().ok());
    EXPECT_EQ(plain, text) << size;
  }
}

// A megabyte of zeros packed into a few bytes is not unpacked beyond what the digest says: a bomb costs nothing.
TEST(Compression, StopsAtTheLimit) {
  std::string bomb = Compress(std::string(50 << 20, '\0'));
  ASSERT_LT(bomb.size(), 10000U);
  EXPECT_EQ(Decompress(bomb, 1000).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Decompress(bomb, (50 << 20) - 1).status().code(), absl::StatusCode::kInvalidArgument);
}

// What one message gives is handed on piece by piece, so that even a bomb that its digest allows costs a buffer; an
// error of the taker ends it.
TEST(Compression, UnpacksInPieces) {
  constexpr size_t kSize = 50 << 20;
  std::string bomb = Compress(std::string(kSize, '\0'));
  size_t sum = 0, largest = 0;
  Decompressor all(kSize);
  ASSERT_TRUE(all.Unpack(bomb,
                         [&](std::string_view piece) {
                           sum += piece.size();
                           largest = std::max(largest, piece.size());
                           return absl::OkStatus();
                         })
                  .ok());
  EXPECT_TRUE(all.Finish().ok());
  EXPECT_EQ(sum, kSize);
  EXPECT_LE(largest, size_t{1} << 20);
  int taken = 0;
  absl::Status full = Decompressor(kSize).Unpack(bomb, [&](std::string_view) {
    ++taken;
    return absl::ResourceExhaustedError("full");
  });
  EXPECT_EQ(full.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(taken, 1);
}

// Broken and cut frames are refused.
TEST(Compression, RefusesBrokenFrames) {
  std::string packed = Compress(Text(10000));
  EXPECT_FALSE(Decompress(packed.substr(0, packed.size() - 1), 10000).ok());
  EXPECT_FALSE(Decompress("not zstd", 10000).ok());
  // Two frames behind each other are one stream.
  EXPECT_EQ(Decompress(Compress("a") + Compress("b"), 2).value(), "ab");
}

}  // namespace
}  // namespace wasmagent::content
