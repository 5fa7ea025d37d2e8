#include "agent/workspace/config_cache.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "platform/directory.h"
#include "platform/file.h"

namespace wasmagent::workspace {
namespace {

class ConfigCacheTest : public ::testing::Test {
 protected:
  ConfigCacheTest()
      : dir_(*platform::MakeTemporaryDirectory(::testing::TempDir(), "config-cache-")), cache_(dir_ + "/kept") {
    EXPECT_TRUE(platform::MakeDirectories(dir_ + "/a").ok());
    EXPECT_TRUE(platform::MakeDirectories(dir_ + "/b").ok());
  }
  ~ConfigCacheTest() override { (void)platform::RemoveTree(dir_); }

  std::string dir_;
  ConfigCache cache_;
};

// What one build dir's configure found serves the next one with the same key, and no other.
TEST_F(ConfigCacheTest, SeedsTheSameKeyOnly) {
  ASSERT_TRUE(platform::WriteFileAtomically(dir_ + "/a/config.cache", "ac_cv_x=yes", 0644, false).ok());
  ASSERT_TRUE(cache_.Keep("k1", dir_ + "/a").ok());
  ASSERT_TRUE(cache_.Seed("k2", dir_ + "/b").ok());
  EXPECT_TRUE(absl::IsNotFound(platform::ReadFile(dir_ + "/b/config.cache").status()));
  ASSERT_TRUE(cache_.Seed("k1", dir_ + "/b").ok());
  EXPECT_EQ(*platform::ReadFile(dir_ + "/b/config.cache"), "ac_cv_x=yes");
}

// A cache that configure would not have is not offered again.
TEST_F(ConfigCacheTest, ForgetsOnRequest) {
  ASSERT_TRUE(platform::WriteFileAtomically(dir_ + "/a/config.cache", "x", 0644, false).ok());
  ASSERT_TRUE(cache_.Keep("k", dir_ + "/a").ok());
  cache_.Forget("k");
  cache_.Forget("k");
  ASSERT_TRUE(cache_.Seed("k", dir_ + "/b").ok());
  EXPECT_TRUE(absl::IsNotFound(platform::ReadFile(dir_ + "/b/config.cache").status()));
}

// What a build puts there instead of a file is neither waited for nor followed.
TEST_F(ConfigCacheTest, OnlyARegularFileIsKept) {
  ASSERT_EQ(::mkfifo((dir_ + "/a/config.cache").c_str(), 0600), 0);
  ASSERT_TRUE(platform::WriteFileAtomically(dir_ + "/secret", "x", 0600, false).ok());
  ASSERT_EQ(::symlink("../secret", (dir_ + "/b/config.cache").c_str()), 0);
  for (const char* folder : {"/a", "/b"}) {
    EXPECT_TRUE(cache_.Keep("k", dir_ + folder).ok());
    EXPECT_TRUE(absl::IsNotFound(platform::ReadFile(dir_ + "/kept/k").status()));
  }
}

// A build dir without a config.cache, such as CMake's, is no error.
TEST_F(ConfigCacheTest, NothingToKeepIsFine) { EXPECT_TRUE(cache_.Keep("k", dir_ + "/a").ok()); }

// Bounded: only the newest caches stay.
TEST_F(ConfigCacheTest, IsBounded) {
  ASSERT_TRUE(platform::WriteFileAtomically(dir_ + "/a/config.cache", "x", 0644, false).ok());
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(cache_.Keep("key" + std::to_string(i), dir_ + "/a").ok());
  EXPECT_LE(platform::ListDirectory(dir_ + "/kept")->size(), 64u);
}

}  // namespace
}  // namespace wasmagent::workspace
