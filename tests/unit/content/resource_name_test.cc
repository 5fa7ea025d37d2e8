#include "content/resource_name.h"

#include <vector>

#include "gtest/gtest.h"

namespace wasmagent::content {
namespace {

const std::string kDigest = Digest::Of("abc").ToString();

// Every form that the API names is taken, and written again as it came.
TEST(ResourceName, TakesWhatTheApiNames) {
  for (const std::string& name : std::vector<std::string>{
           "blobs/" + kDigest, "inst/blobs/" + kDigest, "a/b/c/blobs/" + kDigest, "compressed-blobs/zstd/" + kDigest,
           "uploads/6ba7-x/blobs/" + kDigest, "a/b/uploads/6ba7/compressed-blobs/zstd/" + kDigest}) {
    auto parsed = ParseResourceName(name);
    ASSERT_TRUE(parsed.ok()) << name << ": " << parsed.status();
    EXPECT_EQ(parsed->ToString(), name);
    EXPECT_EQ(parsed->digest, Digest::Of("abc"));
  }
  EXPECT_EQ(ParseResourceName("a/b/c/blobs/" + kDigest)->instance, "a/b/c");
  // An upload's name may go on.
  EXPECT_EQ(ParseResourceName("uploads/u/blobs/" + kDigest + "/src/main.c")->ToString(), "uploads/u/blobs/" + kDigest);
}

// Everything else is refused; what other servers know is UNIMPLEMENTED.
TEST(ResourceName, RefusesOthers) {
  for (const std::string& name : std::vector<std::string>{
           "", "/", "blobs", "blobs/" + kDigest + "/x", "/blobs/" + kDigest, "a//blobs/" + kDigest,
           "uploads//blobs/" + kDigest, "uploads/u/" + kDigest, "actions/blobs/" + kDigest, "blobs/" + kDigest + "/",
           "uploads/u v/blobs/" + kDigest, "blobs/abc/3", "uploads/u/blobs", std::string(5000, 'a')}) {
    EXPECT_EQ(ParseResourceName(name).status().code(), absl::StatusCode::kInvalidArgument) << name;
  }
  EXPECT_EQ(ParseResourceName("compressed-blobs/brotli/" + kDigest).status().code(), absl::StatusCode::kUnimplemented);
  EXPECT_EQ(ParseResourceName("blobs/blake3/" + kDigest).status().code(), absl::StatusCode::kUnimplemented);
}

// Upload ids differ and are taken by the parser.
TEST(ResourceName, UploadIdsAreUnique) {
  std::string id = NewUploadId();
  EXPECT_EQ(id.size(), 36U);
  EXPECT_NE(id, NewUploadId());
  EXPECT_EQ(ParseResourceName("uploads/" + id + "/blobs/" + kDigest)->uuid, id);
}

}  // namespace
}  // namespace wasmagent::content
