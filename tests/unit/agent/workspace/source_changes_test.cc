#include "agent/workspace/source_changes.h"

#include <map>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace wasmagent::workspace {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

// Paths with their content; "d:" is a folder, "l:" a link. In walk order, as manifests are.
Manifest Of(const std::vector<std::pair<std::string, std::string>>& files) {
  Manifest manifest;
  std::string all;
  for (const auto& [path, text] : files) {
    content::TreeEntry entry{path, content::EntryKind::kFile, {}, ""};
    if (text == "d:") {
      entry.kind = content::EntryKind::kDirectory;
    } else if (text.starts_with("l:")) {
      entry.kind = content::EntryKind::kSymlink;
      entry.target = text.substr(2);
    } else {
      entry.digest = content::Digest::Of(text);
    }
    manifest.entries.push_back({entry, {}});
    all += path + "=" + text + "\n";
  }
  manifest.root = content::Digest::Of(all);
  return manifest;
}

// Each file is in one list, whatever its neighbours are called.
TEST(CompareTrees, TellsEachChangeOnce) {
  Manifest before =
      Of({{"a", "d:"}, {"a/gone.c", "1"}, {"a/same.c", "1"}, {"a.c", "1"}, {"a0", "1"}, {"link", "l:x"}, {"z", "1"}});
  Manifest after = Of({{"a", "d:"}, {"a/new.c", "1"}, {"a/same.c", "1"}, {"a.c", "2"}, {"a0", "1"}, {"link", "l:y"}});
  SourceChanges changes = CompareTrees(before, after);
  EXPECT_THAT(changes.changed_paths, ElementsAre("a.c", "link"));
  EXPECT_THAT(changes.added_paths, ElementsAre("a/new.c"));
  EXPECT_THAT(changes.removed_paths, ElementsAre("a/gone.c", "z"));
  EXPECT_EQ(changes.changed, 2U);
  EXPECT_EQ(changes.added, 1U);
  EXPECT_EQ(changes.removed, 2U);
}

// Folders are no files: an empty one that comes is nothing, and one that takes a file's place removes it.
TEST(CompareTrees, FoldersAreNotCounted) {
  SourceChanges changes = CompareTrees(Of({{"a", "1"}}), Of({{"a", "d:"}, {"a/b", "1"}, {"empty", "d:"}}));
  EXPECT_THAT(changes.removed_paths, ElementsAre("a"));
  EXPECT_THAT(changes.added_paths, ElementsAre("a/b"));
  EXPECT_EQ(changes.changed, 0U);
  changes = CompareTrees(Of({{"a", "d:"}, {"a/b", "1"}}), Of({{"a", "1"}}));
  EXPECT_THAT(changes.added_paths, ElementsAre("a"));
  EXPECT_THAT(changes.removed_paths, ElementsAre("a/b"));
}

// A new folder has everything added, an equal tree nothing.
TEST(CompareTrees, NothingAndEverything) {
  Manifest tree = Of({{"a", "1"}, {"b", "2"}});
  EXPECT_EQ(CompareTrees({}, tree).added, 2U);
  SourceChanges none = CompareTrees(tree, tree);
  EXPECT_EQ(none.changed + none.added + none.removed, 0U);
  EXPECT_THAT(none.changed_paths, IsEmpty());
}

// Bounded: the counts are whole, the lists are not.
TEST(CompareTrees, ListsAreBounded) {
  std::vector<std::pair<std::string, std::string>> files;
  for (char a = 'a'; a <= 'z'; ++a) {
    for (char b = 'a'; b <= 'z'; ++b) files.emplace_back(std::string{a, b}, "1");
  }
  SourceChanges changes = CompareTrees({}, Of(files));
  EXPECT_EQ(changes.added, 676U);
  EXPECT_THAT(changes.added_paths, SizeIs(kMostListedPaths));
}

}  // namespace
}  // namespace wasmagent::workspace
