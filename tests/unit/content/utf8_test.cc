#include "content/utf8.h"

#include "google/rpc/status.pb.h"
#include "gtest/gtest.h"

namespace wasmagent::content {
namespace {

// What is valid is left as it is, each length of character among it.
TEST(Utf8, ValidTextStays) {
  for (const char* text :
       {"", "plain", "\xc3\xb6", "\xe2\x82\xac", "\xf0\x9f\x90\x8d", "a\xc3\xb6z", "\xf4\x8f\xbf\xbf"}) {
    EXPECT_TRUE(IsUtf8(text)) << text;
    EXPECT_EQ(ToUtf8(text), text);
  }
  EXPECT_TRUE(IsUtf8(std::string_view("\0", 1)));
}

// Latin-1, cut characters, overlong forms, surrogates and what lies above the last character are not, and give way.
TEST(Utf8, InvalidBytesGiveWay) {
  const std::string mark = "\xef\xbf\xbd";
  EXPECT_EQ(ToUtf8("Gr\xf6\xdf"
                   "e"),
            "Gr" + mark + mark + "e");
  EXPECT_EQ(ToUtf8("\xe2\x82"), mark + mark);
  EXPECT_EQ(ToUtf8("\x82\xac tail"), mark + mark + " tail");
  EXPECT_EQ(ToUtf8("\xf0\x9f\x90\xe2\x82\xac"), mark + mark + mark + "\xe2\x82\xac");
  for (const char* text :
       {"\xc0\xaf", "\xe0\x80\xaf", "\xf0\x80\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xff"}) {
    EXPECT_EQ(Utf8Prefix(std::string("ok") + text), 2U);
    EXPECT_TRUE(IsUtf8(ToUtf8(text)));
  }
}

// The measure is what a message can be read with.
TEST(Utf8, AgreesWithMessages) {
  for (const char* text :
       {"a\xc3\xb6", "\xed\xa0\x80", "\xc0\xaf", "\xf4\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xe2\x82"}) {
    // Field 2, a string, of so many bytes.
    std::string message = std::string("\x12") + static_cast<char>(std::string_view(text).size()) + text;
    EXPECT_EQ(google::rpc::Status().ParseFromString(message), IsUtf8(text));
  }
}

}  // namespace
}  // namespace wasmagent::content
