#include "client/artifacts/artifact_manifest.h"

#include "gtest/gtest.h"

namespace wasmagent::client {
namespace {

// What is written is read back, awkward names included.
TEST(ArtifactManifest, RoundTrip) {
  ArtifactManifest manifest;
  manifest["a\nb"] = {{"a\nb", content::EntryKind::kExecutable, content::Digest::Of("x"), ""}, {1, 2, 3, -4, 5}};
  manifest["l"] = {{"l", content::EntryKind::kSymlink, {}, "to\there"}, {}};
  ArtifactManifest again = ParseManifest(SerializeManifest(manifest));
  ASSERT_EQ(again.size(), 2U);
  EXPECT_EQ(again["a\nb"].stamp, manifest["a\nb"].stamp);
  EXPECT_EQ(again["a\nb"].entry.digest, content::Digest::Of("x"));
  EXPECT_EQ(again["l"].entry.target, "to\there");
}

// A manifest that is cut or foreign is an empty one.
TEST(ArtifactManifest, DamageEmptiesIt) {
  ArtifactManifest manifest;
  manifest["a"] = {{"a", content::EntryKind::kFile, content::Digest::Of("x"), ""}, {}};
  std::string bytes = SerializeManifest(manifest);
  EXPECT_TRUE(ParseManifest(bytes.substr(0, bytes.size() - 3)).empty());
  EXPECT_TRUE(ParseManifest("something else").empty());
  EXPECT_TRUE(ParseManifest("").empty());
}

}  // namespace
}  // namespace wasmagent::client
