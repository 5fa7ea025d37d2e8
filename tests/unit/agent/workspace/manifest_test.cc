#include "agent/workspace/manifest.h"

#include <gtest/gtest.h>

#include "platform/directory.h"
#include "platform/file.h"

namespace wasmagent::workspace {
namespace {

class ManifestTest : public ::testing::Test {
 protected:
  ManifestTest() : dir_(*platform::MakeTemporaryDirectory(::testing::TempDir(), "manifest-")) {
    manifest_.root = content::Digest::Of("root");
    manifest_.entries.push_back({{"d", content::EntryKind::kDirectory, content::Digest::Of("d"), ""}, {}});
    manifest_.entries.push_back(
        {{"d/a", content::EntryKind::kExecutable, content::Digest::Of("a"), ""}, {1, 2, 3, 4, 5}});
    manifest_.entries.push_back({{"d.c", content::EntryKind::kSymlink, {}, "d/a"}, {6, 7, 8, 9, 10}});
  }
  ~ManifestTest() override { (void)platform::RemoveTree(dir_); }
  std::string path() const { return dir_ + "/manifest"; }

  std::string dir_;
  Manifest manifest_;
};

// What was saved is what is loaded, field by field.
TEST_F(ManifestTest, RoundTrip) {
  ASSERT_TRUE(manifest_.Save(path()).ok());
  auto loaded = Manifest::Load(path());
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(loaded->root, manifest_.root);
  ASSERT_EQ(loaded->entries.size(), 3u);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(loaded->entries[i].entry.path, manifest_.entries[i].entry.path);
    EXPECT_EQ(loaded->entries[i].entry.kind, manifest_.entries[i].entry.kind);
    EXPECT_EQ(loaded->entries[i].entry.digest, manifest_.entries[i].entry.digest);
    EXPECT_EQ(loaded->entries[i].entry.target, manifest_.entries[i].entry.target);
    EXPECT_EQ(loaded->entries[i].mark, manifest_.entries[i].mark);
  }
}

// Nothing torn: a manifest with any byte changed, or cut anywhere, is refused.
TEST_F(ManifestTest, DamageIsNoticed) {
  ASSERT_TRUE(manifest_.Save(path()).ok());
  std::string bytes = *platform::ReadFile(path());
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::string damaged = bytes;
    damaged[i] = static_cast<char>(damaged[i] ^ 1);
    ASSERT_TRUE(platform::WriteFileAtomically(path(), damaged, 0600, false).ok());
    EXPECT_EQ(Manifest::Load(path()).status().code(), absl::StatusCode::kDataLoss) << "byte " << i;
    ASSERT_TRUE(platform::WriteFileAtomically(path(), bytes.substr(0, i), 0600, false).ok());
    EXPECT_EQ(Manifest::Load(path()).status().code(), absl::StatusCode::kDataLoss) << "cut at " << i;
  }
}

// A folder's run ends where its name ends: "d.c" is not below "d".
TEST_F(ManifestTest, BelowIsTheFoldersRun) { EXPECT_EQ(manifest_.Below(0), (std::pair<size_t, size_t>(1, 2))); }

TEST_F(ManifestTest, NoManifestIsNotFound) {
  EXPECT_EQ(Manifest::Load(path()).status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace wasmagent::workspace
