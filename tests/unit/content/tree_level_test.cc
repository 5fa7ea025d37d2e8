#include "content/tree_level.h"

#include <map>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace wasmagent::content {
namespace {

DirectoryReader ReaderOf(const TreeBlobs& tree) {
  auto blobs = std::make_shared<std::map<Digest, std::string>>(tree.directories.begin(), tree.directories.end());
  return [blobs](const Digest& digest) -> absl::StatusOr<std::string> {
    auto found = blobs->find(digest);
    if (found == blobs->end()) return absl::NotFoundError("no such blob");
    return found->second;
  };
}

// A walk meets every entry once, a folder before what is in it, names in byte order.
TEST(TreeLevel, WalksInOrder) {
  auto tree = BuildTree({{"b/f", EntryKind::kFile, Digest::Of("1"), ""},
                         {"b-", EntryKind::kFile, Digest::Of("2"), ""},
                         {"a", EntryKind::kSymlink, {}, "b"},
                         {"c", EntryKind::kDirectory, {}, ""}})
                  .value();
  std::vector<std::string> paths;
  auto visit = [&](const TreeEntry& entry) {
    paths.push_back(entry.path);
    return absl::OkStatus();
  };
  ASSERT_TRUE(WalkTree(tree.root, ReaderOf(tree), visit).ok());
  EXPECT_THAT(paths, ::testing::ElementsAre("a", "b", "b/f", "b-", "c"));
}

// A path is found by descending, and what is not there is NOT_FOUND, also below a file.
TEST(TreeLevel, FindsOnePath) {
  auto tree = BuildTree({{"a/b/c", EntryKind::kExecutable, Digest::Of("1"), ""}}).value();
  EXPECT_EQ(FindInTree(tree.root, ReaderOf(tree), "a/b/c")->kind, EntryKind::kExecutable);
  EXPECT_EQ(FindInTree(tree.root, ReaderOf(tree), "a/b")->kind, EntryKind::kDirectory);
  for (const char* path : {"a/x", "a/b/c/d", "", "a/"}) {
    EXPECT_EQ(FindInTree(tree.root, ReaderOf(tree), path).status().code(), absl::StatusCode::kNotFound) << path;
  }
}

}  // namespace
}  // namespace wasmagent::content
