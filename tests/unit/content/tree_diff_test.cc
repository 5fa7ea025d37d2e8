#include "content/tree_diff.h"

#include <map>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace wasmagent::content {
namespace {

using Entries = std::vector<TreeEntry>;

TreeEntry File(std::string path, const std::string& bytes) {
  return {std::move(path), EntryKind::kFile, Digest::Of(bytes), ""};
}

// "+path" new, "-path" gone, "~path" changed; `reads` counts the Directories that were read.
std::vector<std::string> Diff(const Entries& before, const Entries& after, int* reads = nullptr) {
  std::map<Digest, std::string> blobs;
  auto old_tree = BuildTree(before).value();
  auto new_tree = BuildTree(after).value();
  blobs.insert(old_tree.directories.begin(), old_tree.directories.end());
  blobs.insert(new_tree.directories.begin(), new_tree.directories.end());
  std::vector<std::string> changes;
  auto read = [&](const Digest& digest) -> absl::StatusOr<std::string> {
    if (reads != nullptr) ++*reads;
    return blobs.at(digest);
  };
  EXPECT_TRUE(DiffTrees(old_tree.root, new_tree.root, read, [&](const TreeChange& change) {
                changes.push_back((!change.before ? "+" : !change.after ? "-" : "~") + change.path);
                return absl::OkStatus();
              }).ok());
  return changes;
}

// Every kind of difference is told, in path order, a folder before what is in it.
TEST(TreeDiff, TellsEveryDifference) {
  Entries before = {File("same/a", "1"), File("edit", "1"), File("gone/x", "1"),
                    File("kind", "1"),   File("mode", "1"), File("tofile/in", "1")};
  Entries after = {File("same/a", "1"),
                   File("edit", "2"),
                   File("new/y", "1"),
                   File("kind/in", "1"),
                   {"mode", EntryKind::kExecutable, Digest::Of("1"), ""},
                   File("tofile", "1")};
  EXPECT_THAT(Diff(before, after), ::testing::ElementsAre("~edit", "-gone", "-gone/x", "~kind", "+kind/in", "~mode",
                                                          "+new", "+new/y", "~tofile", "-tofile/in"));
  EXPECT_THAT(Diff(before, before), ::testing::IsEmpty());
}

// Folders that are the same are not read: an edit costs its depth.
TEST(TreeDiff, ReadsOnlyWhatDiffers) {
  Entries before;
  for (int i = 0; i < 50; ++i) before.push_back(File("d" + std::to_string(i) + "/f", "1"));
  before.push_back(File("other/f", "0"));
  Entries after = before;
  after[7] = File("d7/f", "2");
  int reads = 0;
  EXPECT_THAT(Diff(before, after, &reads), ::testing::ElementsAre("~d7/f"));
  EXPECT_EQ(reads, 4);
}

}  // namespace
}  // namespace wasmagent::content
