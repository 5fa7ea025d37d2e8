#include "client/hosting/conditional_request.h"

#include "gtest/gtest.h"

namespace wasmagent::client {
namespace {

FileVersion Version(off_t size = 100) {
  struct stat info = {};
  info.st_ino = 0x2a;
  info.st_size = size;
  info.st_mtim = {784'111'777, 5};
  return FileVersion::Of(info);
}

// "offset+length", "whole", or "416".
std::string Part(const std::string& range, off_t size = 100, const std::string& if_range = "") {
  auto part = WantedRange({.if_range = if_range, .range = range}, Version(size));
  if (!part.ok()) return absl::IsOutOfRange(part.status()) ? "416" : part.status().ToString();
  return part->has_value() ? std::to_string((*part)->offset) + "+" + std::to_string((*part)->length) : "whole";
}

// A version is told by inode, size and time to the nanosecond, and its date is HTTP's.
TEST(FileVersion, OfAFile) {
  FileVersion version = Version();
  EXPECT_EQ(version.last_modified, "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(version.entity_tag, "\"2a-64-2ebc98a1.5\"");
  EXPECT_NE(version.entity_tag, Version(101).entity_tag);
}

// A tag decides where there is one, alone, in a list, weak or as a star; else the date.
TEST(ConditionalRequest, NotModified) {
  FileVersion version = Version();
  const std::string& tag = version.entity_tag;
  const std::string earlier = "Sun, 06 Nov 1994 08:49:36 GMT", later = "Mon, 07 Nov 1994 08:49:37 GMT";
  for (const std::string& same : {tag, "W/" + tag, "\"x\", " + tag, "\"x\",W/" + tag, std::string("*")}) {
    EXPECT_TRUE(IsNotModified({.if_none_match = same}, version)) << same;
  }
  EXPECT_FALSE(IsNotModified({.if_none_match = "\"x\""}, version));
  EXPECT_FALSE(IsNotModified({.if_none_match = "\"x\"", .if_modified_since = later}, version));
  EXPECT_TRUE(IsNotModified({.if_modified_since = version.last_modified}, version));
  EXPECT_TRUE(IsNotModified({.if_modified_since = later}, version));
  EXPECT_FALSE(IsNotModified({.if_modified_since = earlier}, version));
  EXPECT_FALSE(IsNotModified({.if_modified_since = "yesterday"}, version));
  EXPECT_FALSE(IsNotModified({}, version));
}

// From, from-to and the last bytes; cut at the file's end; 416 beyond it; the whole for what is no single range.
TEST(ConditionalRequest, Range) {
  EXPECT_EQ(Part(""), "whole");
  EXPECT_EQ(Part("bytes=0-9"), "0+10");
  EXPECT_EQ(Part("bytes=99-"), "99+1");
  EXPECT_EQ(Part("bytes=90-1000"), "90+10");
  EXPECT_EQ(Part("bytes=-10"), "90+10");
  EXPECT_EQ(Part("bytes=-1000"), "0+100");
  EXPECT_EQ(Part("bytes=0-18446744073709551615"), "0+100");
  EXPECT_EQ(Part("bytes=100-"), "416");
  EXPECT_EQ(Part("bytes=18446744073709551615-"), "416");
  EXPECT_EQ(Part("bytes=-0"), "416");
  EXPECT_EQ(Part("bytes=0-", 0), "416");
  EXPECT_EQ(Part("bytes=0-1,5-6"), "whole");
  for (const char* nonsense :
       {"bytes=9-0", "bytes=-", "bytes=x-y", "bytes=1", "lines=0-1", "bytes=0-1x", "bytes=-18446744073709551616"}) {
    EXPECT_EQ(Part(nonsense), "whole") << nonsense;
  }
}

// A part is of use only together with parts of the same version.
TEST(ConditionalRequest, RangeOfAVersion) {
  EXPECT_EQ(Part("bytes=0-9", 100, Version().entity_tag), "0+10");
  EXPECT_EQ(Part("bytes=0-9", 100, Version().last_modified), "0+10");
  EXPECT_EQ(Part("bytes=0-9", 100, "\"other\""), "whole");
  EXPECT_EQ(Part("bytes=0-9", 100, "W/" + Version().entity_tag), "whole");
}

}  // namespace
}  // namespace wasmagent::client
