#include "content/tree.h"

#include <algorithm>

#include "fmt/format.h"
#include "gtest/gtest.h"

namespace wasmagent::content {
namespace {

TreeEntry File(std::string path, const std::string& bytes = "x") {
  return {std::move(path), EntryKind::kFile, Digest::Of(bytes), ""};
}
TreeEntry Folder(std::string path) { return {std::move(path), EntryKind::kDirectory, {}, ""}; }
TreeEntry Link(std::string path, std::string target) {
  return {std::move(path), EntryKind::kSymlink, {}, std::move(target)};
}

// Names that Linux allows and the protocol carries are taken; others are refused with the name, escaped.
TEST(Tree, ChecksNames) {
  for (std::string good : {"a", "a b", "-", "...", "\xC3\xA4", "\xF0\x9F\x90\x8D", "new\nline", "back\\slash"}) {
    EXPECT_TRUE(CheckName(good).ok()) << good;
  }
  EXPECT_TRUE(CheckName(std::string(255, 'a')).ok());
  for (std::string bad : {std::string(), std::string("."), std::string(".."), std::string("a/b"),
                          std::string("a\0b", 3), std::string(256, 'a'), std::string("\xFF"), std::string("\xC3"),
                          std::string("\xC0\xAF"), std::string("\xED\xA0\x80"), std::string("\xF4\x90\x80\x80")}) {
    EXPECT_EQ(CheckName(bad).code(), absl::StatusCode::kInvalidArgument) << bad;
  }
  EXPECT_NE(CheckName("bad\xFF").message().find("\\xff"), std::string::npos);
}

// Equal trees have equal digests, whatever the order of the list, and the bytes are what protobuf writes for sorted
// lists.
TEST(Tree, IsCanonical) {
  std::vector<TreeEntry> entries = {
      File("b/z"),         File("b/a-b"), File("b/a"), Folder("b/a.d"),
      Link("b/l", "../x"), File("a"),     Folder("e"), {"run", EntryKind::kExecutable, Digest::Of("y"), ""}};
  TreeBlobs tree = BuildTree(entries).value();
  std::reverse(entries.begin(), entries.end());
  EXPECT_EQ(BuildTree(entries).value().root, tree.root);
  for (const auto& [digest, bytes] : tree.directories) {
    EXPECT_EQ(Digest::Of(bytes), digest);
    auto parsed = ParseDirectory(bytes);
    ASSERT_TRUE(parsed.ok()) << parsed.status();
    EXPECT_EQ(SerializeDirectory(*parsed), bytes);
  }
  EXPECT_EQ(tree.directories.back().first, tree.root);
  EXPECT_EQ(tree.files, 5U);
  // The empty folders "e" and "b/a.d" are one blob.
  EXPECT_EQ(tree.directories.size(), 3U);
  EXPECT_EQ(BuildTree({}).value().root, Digest::Empty());
}

// A path twice, a file where a folder must be, and paths that are not plain are refused by name.
TEST(Tree, RefusesWhatIsNoTree) {
  std::string deep = "f";
  for (int i = 0; i <= kMaxTreeDepth; ++i) deep = "d/" + deep;
  std::vector<std::vector<TreeEntry>> trees = {{File("a"), File("a")},
                                               {File("a"), File("a/b")},
                                               {File("a/b"), File("a")},
                                               {File("/a")},
                                               {File("a//b")},
                                               {File("a/")},
                                               {File("")},
                                               {File("../a")},
                                               {File("a/./b")},
                                               {Folder("a"), Folder("a")},
                                               {Folder("a"), Link("a", "b")},
                                               {Link("a", "")},
                                               {File(deep)}};
  for (const auto& entries : trees) {
    EXPECT_EQ(BuildTree(entries).status().code(), absl::StatusCode::kInvalidArgument) << entries[0].path.substr(0, 20);
  }
  EXPECT_NE(BuildTree({File("x/dup"), File("x/dup")}).status().message().find("x/dup"), std::string::npos);
}

// A Directory in another spelling is refused: unsorted, doubled, badly named, with unknown fields.
TEST(Tree, ParsesCanonicalDirectoriesOnly) {
  auto file = [](reapi::Directory& directory, const std::string& name) {
    auto* node = directory.add_files();
    node->set_name(name);
    *node->mutable_digest() = Digest::Of("x").ToProto();
  };
  reapi::Directory unsorted;
  file(unsorted, "b");
  file(unsorted, "a");
  reapi::Directory twice;
  file(twice, "a");
  twice.add_symlinks()->set_name("a");
  twice.mutable_symlinks(0)->set_target("t");
  reapi::Directory escape;
  file(escape, "..");
  reapi::Directory no_digest;
  no_digest.add_directories()->set_name("d");
  for (const auto& directory : {unsorted, twice, escape, no_digest}) {
    EXPECT_FALSE(ParseDirectory(directory.SerializeAsString()).ok()) << directory.ShortDebugString();
  }
  reapi::Directory good;
  file(good, "a");
  EXPECT_TRUE(ParseDirectory(good.SerializeAsString()).ok());
  EXPECT_FALSE(ParseDirectory(good.SerializeAsString() + "\x78\x01").ok());
  EXPECT_FALSE(ParseDirectory("#include <stdio.h>").ok());
}

// 100,000 files in 2,000 folders make a tree within a second even with sanitizers on.
TEST(Tree, TakesAHundredThousandFiles) {
  std::vector<TreeEntry> entries;
  for (int i = 0; i < 100'000; ++i) entries.push_back(File(fmt::format("d{}/e{}/f{}", i % 40, i % 2000, i)));
  TreeBlobs tree = BuildTree(entries).value();
  EXPECT_EQ(tree.files, 100'000U);
  EXPECT_EQ(tree.directories.size(), 1U + 40 + 2000);
}

}  // namespace
}  // namespace wasmagent::content
