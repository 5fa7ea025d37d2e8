#include "client/checkout/stat_cache.h"

#include <fstream>

#include "gtest/gtest.h"
#include "platform/file.h"
#include "tests/unit/client/checkout/working_tree.h"

namespace wasmagent::client {
namespace {

constexpr int64_t kNow = 1'700'000'000'000'000'000;

StatCache::Entry Entry(const std::string& path, int64_t age = 10'000'000'000) {
  return {path, {1, 2, 3, kNow - age, kNow - age}, content::Digest::Of(path)};
}

StatCache RoundTrip(const WorkingTree& tree, const std::vector<StatCache::Entry>& entries) {
  EXPECT_TRUE(StatCache::Save(tree.Path("cache"), entries, kNow).ok());
  return StatCache::Load(tree.Path("cache"));
}

// What was saved is found again, by its path and its whole stamp.
TEST(StatCache, FindsWhatWasSaved) {
  WorkingTree tree;
  StatCache cache = RoundTrip(tree, {Entry("a"), Entry("b/c"), Entry("z")});
  ASSERT_EQ(cache.size(), 3U);
  const uint8_t* hash = cache.Find("b/c", Entry("b/c").stamp);
  ASSERT_NE(hash, nullptr);
  EXPECT_TRUE(std::equal(hash, hash + 32, content::Digest::Of("b/c").hash.begin()));
  EXPECT_EQ(cache.Find("b", Entry("b").stamp), nullptr);
}

// Guarantee 1: one number of the stamp that differs is enough to read the file again.
TEST(StatCache, EveryPartOfTheStampCounts) {
  WorkingTree tree;
  StatCache cache = RoundTrip(tree, {Entry("a")});
  for (int part = 0; part < 5; ++part) {
    FileStamp stamp = Entry("a").stamp;
    if (part == 0) ++stamp.device;
    if (part == 1) ++stamp.inode;
    if (part == 2) ++stamp.size;
    if (part == 3) ++stamp.mtime;
    if (part == 4) ++stamp.ctime;
    EXPECT_EQ(cache.Find("a", stamp), nullptr) << part;
  }
}

// Guarantee 1: a file that was touched within the clock's resolution of the scan is not trusted, whichever time says
// so.
TEST(StatCache, RacyFilesAreNotTrusted) {
  WorkingTree tree;
  StatCache::Entry racy = Entry("a", kTimeResolution);
  StatCache::Entry changed_only = Entry("b");
  changed_only.stamp.ctime = kNow - 1;
  StatCache::Entry old = Entry("c", kTimeResolution + 1);
  StatCache cache = RoundTrip(tree, {racy, changed_only, old});
  EXPECT_EQ(cache.Find("a", racy.stamp), nullptr);
  EXPECT_EQ(cache.Find("b", changed_only.stamp), nullptr);
  EXPECT_NE(cache.Find("c", old.stamp), nullptr);
}

// Paths asked for in order are found in one pass, and a path that is not there does no harm.
TEST(StatCache, FindNextWalksInOrder) {
  WorkingTree tree;
  StatCache cache = RoundTrip(tree, {Entry("a"), Entry("c"), Entry("e")});
  size_t cursor = 0;
  EXPECT_NE(cache.FindNext(cursor, "a", Entry("a").stamp), nullptr);
  EXPECT_EQ(cache.FindNext(cursor, "b", Entry("b").stamp), nullptr);
  EXPECT_NE(cache.FindNext(cursor, "e", Entry("e").stamp), nullptr);
  EXPECT_EQ(cache.FindNext(cursor, "f", Entry("f").stamp), nullptr);
}

// A damaged file, cut or changed anywhere, is an empty cache.
TEST(StatCache, DamageEmptiesIt) {
  WorkingTree tree;
  RoundTrip(tree, {Entry("a"), Entry("b")});
  std::string bytes = platform::ReadFile(tree.Path("cache")).value();
  for (size_t at = 0; at < bytes.size(); at += 7) {
    std::string damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    tree.Write("cache", damaged);
    EXPECT_EQ(StatCache::Load(tree.Path("cache")).size(), 0U) << at;
    tree.Write("cache", bytes.substr(0, at));
    EXPECT_EQ(StatCache::Load(tree.Path("cache")).size(), 0U) << at;
  }
  EXPECT_EQ(StatCache::Load(tree.Path("nothing")).size(), 0U);
}

}  // namespace
}  // namespace wasmagent::client
