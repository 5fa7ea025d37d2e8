#include "agent/workspace/tree_sync.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/unit/agent/workspace/store_fixture.h"

namespace wasmagent::workspace {
namespace {

class TreeSyncTest : public wasmagent::testing::StoreFixture {
 protected:
  TreeSyncTest() : dir_(scratch_ + "/ws") { EXPECT_TRUE(platform::MakeDirectories(dir_).ok()); }

  // Brings the folder to these files and remembers the manifest for the next time.
  SyncStats Sync(const Files& files) {
    SyncStats stats;
    auto after = SyncTree(dir_, *store_, manifest_, Put(files), &stats);
    EXPECT_TRUE(after.ok()) << after.status();
    if (after.ok()) manifest_ = *std::move(after);
    return stats;
  }
  std::string Path(const std::string& name) const { return dir_ + "/" + name; }
  void Overwrite(const std::string& name, const std::string& text) {
    ASSERT_TRUE(platform::WriteFileAtomically(Path(name), text, 0644, false).ok());
  }

  std::string dir_;
  Manifest manifest_;
};

// Incremental and true: a new folder gets everything, with modes, links and empty folders.
TEST_F(TreeSyncTest, FillsAnEmptyFolder) {
  SyncStats stats =
      Sync({{"a.c", "int a;"}, {"sub/run", "x:#!/bin/sh"}, {"sub/link", "l:../a.c"}, {"empty", "d:"}, {"zero", ""}});
  EXPECT_EQ(stats.written, 4u);
  EXPECT_EQ(Read(Path("a.c")), "int a;");
  EXPECT_EQ(Stat(Path("sub/run")).st_mode & 0777, 0755u);
  EXPECT_EQ(Stat(Path("a.c")).st_mode & 0777, 0644u);
  char target[64] = {};
  EXPECT_EQ(::readlink(Path("sub/link").c_str(), target, sizeof(target) - 1), 6);
  EXPECT_STREQ(target, "../a.c");
  EXPECT_TRUE(S_ISDIR(Stat(Path("empty")).st_mode));
  EXPECT_EQ(Stat(Path("zero")).st_size, 0);
}

// What a build has modified or removed is named when it is brought back.
TEST_F(TreeSyncTest, NamesWhatItBringsBack) {
  Sync({{"same", "1"}, {"modified", "2"}, {"deleted", "3"}});
  Overwrite("modified", "other");
  ASSERT_EQ(::unlink(Path("deleted").c_str()), 0);
  SyncStats stats = Sync({{"same", "1"}, {"modified", "2"}, {"deleted", "3"}});
  EXPECT_THAT(stats.restored_paths, ::testing::ElementsAre("deleted", "modified"));
  EXPECT_EQ(stats.restored, 2u);
}

// No rule that regenerates a shipped file may fire: files of one sync are never older than each other.
TEST_F(TreeSyncTest, FilesOfOneSyncHaveOneTime) {
  Sync({{"configure", "x:generated"}, {"configure.ac", "source"}, {"a/b/c", "deep"}});
  EXPECT_EQ(MtimeOf(Path("configure")), MtimeOf(Path("configure.ac")));
  EXPECT_EQ(MtimeOf(Path("configure")), MtimeOf(Path("a/b/c")));
}

// Incremental and true: an unchanged file keeps inode and mtime, a changed one gets the present time.
TEST_F(TreeSyncTest, TouchesOnlyWhatDiffers) {
  Sync({{"same", "1"}, {"other", "old"}, {"dir/same", "2"}});
  ino_t inode = Stat(Path("same")).st_ino;
  int64_t time = MtimeOf(Path("same"));
  int64_t other = MtimeOf(Path("other"));
  SyncStats stats = Sync({{"same", "1"}, {"other", "new"}, {"dir/same", "2"}});
  EXPECT_EQ(stats.written, 1u);
  EXPECT_EQ(stats.kept, 2u);
  EXPECT_EQ(Stat(Path("same")).st_ino, inode);
  EXPECT_EQ(MtimeOf(Path("same")), time);
  EXPECT_GT(MtimeOf(Path("other")), other);
}

// Incremental and true: going back to an old revision is newer than the objects made from the newer one.
TEST_F(TreeSyncTest, GoingBackIsNewer) {
  Sync({{"f", "old"}});
  Sync({{"f", "new"}});
  Overwrite("f.o", "object");
  int64_t object = MtimeOf(Path("f.o"));
  Sync({{"f", "old"}});
  EXPECT_EQ(Read(Path("f")), "old");
  EXPECT_GE(MtimeOf(Path("f")), object);
}

// Incremental and true: a removed file is gone, what a build left beside it stays.
TEST_F(TreeSyncTest, RemovesWhatLeftTheTree) {
  Sync({{"keep", "1"}, {"gone", "2"}, {"dir/gone", "3"}, {"alone/gone", "4"}});
  Overwrite("dir/made.o", "object");
  SyncStats stats = Sync({{"keep", "1"}});
  EXPECT_EQ(stats.removed, 3u);
  EXPECT_FALSE(Exists(Path("gone")));
  EXPECT_FALSE(Exists(Path("alone")));
  EXPECT_FALSE(Exists(Path("dir/gone")));
  EXPECT_TRUE(Exists(Path("dir/made.o")));
}

// Incremental and true: a file that a build modified, removed, replaced or made executable is restored.
TEST_F(TreeSyncTest, RestoresWhatABuildModified) {
  Files files = {{"edited", "aaaa"}, {"removed", "b"},     {"mode", "c"},
                 {"replaced", "d"},  {"link", "l:edited"}, {"d/x", "e"}};
  Sync(files);
  int fd = ::open(Path("edited").c_str(), O_WRONLY);
  ASSERT_EQ(::pwrite(fd, "bbbb", 4, 0), 4);  // same size, in place
  ::close(fd);
  ::unlink(Path("removed").c_str());
  ::chmod(Path("mode").c_str(), 0777);
  ::unlink(Path("replaced").c_str());
  ASSERT_EQ(::mkdir(Path("replaced").c_str(), 0755), 0);
  Overwrite("replaced/inner", "?");
  ::unlink(Path("link").c_str());
  ASSERT_EQ(::symlink("elsewhere", Path("link").c_str()), 0);
  SyncStats stats = Sync(files);
  EXPECT_EQ(stats.restored, 5u);
  EXPECT_EQ(Read(Path("edited")), "aaaa");
  EXPECT_EQ(Read(Path("removed")), "b");
  EXPECT_EQ(Stat(Path("mode")).st_mode & 0777, 0644u);
  EXPECT_EQ(Read(Path("replaced")), "d");
  EXPECT_EQ(Read(Path("link")), "aaaa");
}

// A file that was only touched holds the right bytes: it stays, so that nothing is rebuilt but by its new time.
TEST_F(TreeSyncTest, ATouchedFileStays) {
  Sync({{"f", "1"}});
  ino_t inode = Stat(Path("f")).st_ino;
  ASSERT_EQ(::utimensat(AT_FDCWD, Path("f").c_str(), nullptr, 0), 0);
  SyncStats stats = Sync({{"f", "1"}});
  EXPECT_EQ(stats.restored, 0u);
  EXPECT_EQ(Stat(Path("f")).st_ino, inode);
}

// A build may move a folder and put a link to it in its place: everything below is made anew, nothing is written
// through the link.
TEST_F(TreeSyncTest, AFolderBehindALinkIsMadeAnew) {
  Files files = {{"d/f", "1"}, {"d/e/g", "2"}};
  Sync(files);
  std::string outside = scratch_ + "/outside";
  ASSERT_EQ(::rename(Path("d").c_str(), outside.c_str()), 0);
  ASSERT_EQ(::symlink(outside.c_str(), Path("d").c_str()), 0);
  Sync(files);
  EXPECT_TRUE(S_ISDIR(Stat(Path("d")).st_mode));
  EXPECT_EQ(Read(Path("d/f")), "1");
  EXPECT_EQ(Read(Path("d/e/g")), "2");
}

// The same for what leaves the tree: nothing outside is removed.
TEST_F(TreeSyncTest, NothingIsRemovedThroughALink) {
  Sync({{"d/f", "1"}, {"k", "2"}});
  std::string outside = scratch_ + "/outside";
  ASSERT_TRUE(platform::MakeDirectories(outside).ok());
  ASSERT_TRUE(platform::WriteFileAtomically(outside + "/f", "mine", 0644, false).ok());
  ASSERT_TRUE(platform::RemoveTree(Path("d")).ok());
  ASSERT_EQ(::symlink(outside.c_str(), Path("d").c_str()), 0);
  Sync({{"k", "2"}});
  EXPECT_EQ(Read(outside + "/f"), "mine");
}

// A link in place of the whole folder is refused: nothing behind it is touched.
TEST_F(TreeSyncTest, TheFolderItselfIsNoLink) {
  Sync({{"f", "1"}});
  std::string outside = scratch_ + "/outside";
  ASSERT_EQ(::rename(dir_.c_str(), outside.c_str()), 0);
  ASSERT_EQ(::symlink(outside.c_str(), dir_.c_str()), 0);
  EXPECT_FALSE(SyncTree(dir_, *store_, manifest_, Put({{"g", "2"}}), nullptr).ok());
  EXPECT_EQ(Read(outside + "/f"), "1");
  EXPECT_FALSE(Exists(outside + "/g"));
}

// Kinds may change between revisions: file to folder, folder to file, file to link.
TEST_F(TreeSyncTest, KindsMayChange) {
  Sync({{"a", "1"}, {"b/c", "2"}, {"d", "3"}});
  Sync({{"a/x", "1"}, {"b", "2"}, {"d", "l:b"}});
  EXPECT_EQ(Read(Path("a/x")), "1");
  EXPECT_EQ(Read(Path("b")), "2");
  EXPECT_EQ(Read(Path("d")), "2");
  Sync({{"a", "1"}, {"b/c", "2"}, {"d", "3"}});
  EXPECT_EQ(Read(Path("b/c")), "2");
}

// A rename moves bytes under another name and leaves nothing behind.
TEST_F(TreeSyncTest, ARenameIsFollowed) {
  Sync({{"old/name.c", "x"}});
  Sync({{"new/name.c", "x"}});
  EXPECT_FALSE(Exists(Path("old")));
  EXPECT_EQ(Read(Path("new/name.c")), "x");
}

// Right bytes: what is on disk has the digest that was asked for, and a change of one byte shows.
TEST_F(TreeSyncTest, DigestOnDiskTellsEveryChange) {
  Sync({{"a", "1"}, {"d/x", "x:2"}, {"l", "l:a"}, {"e", "d:"}});
  std::vector<std::string> differences;
  EXPECT_EQ(*DigestOnDisk(dir_, manifest_, &differences), manifest_.root);
  EXPECT_TRUE(differences.empty());
  Overwrite("a", "2");
  ::chmod(Path("d/x").c_str(), 0644);
  EXPECT_NE(*DigestOnDisk(dir_, manifest_, &differences), manifest_.root);
  EXPECT_EQ(differences, (std::vector<std::string>{"a", "d/x"}));
}

// A folder that a build moved away and linked to has no files of the tree any more.
TEST_F(TreeSyncTest, DigestOnDiskFollowsNoLinkInAFoldersPlace) {
  Sync({{"a", "1"}, {"d/x", "2"}});
  ASSERT_EQ(::rename(Path("d").c_str(), Path("moved").c_str()), 0);
  ASSERT_EQ(::symlink("moved", Path("d").c_str()), 0);
  std::vector<std::string> differences;
  auto digest = DigestOnDisk(dir_, manifest_, &differences);
  ASSERT_TRUE(digest.ok()) << digest.status();
  EXPECT_NE(*digest, manifest_.root);
  EXPECT_THAT(differences, ::testing::Contains("d/x"));
}

// A blob that is not in the store is an error that names the file.
TEST_F(TreeSyncTest, AMissingBlobIsNamed) {
  content::TreeEntry entry{"dir/file.c", content::EntryKind::kFile, content::Digest::Of("never stored"), ""};
  auto tree = content::BuildTree({entry});
  ASSERT_TRUE(tree.ok());
  for (const auto& [digest, bytes] : tree->directories) ASSERT_TRUE(store_->PutOne(digest, bytes).ok());
  auto result = SyncTree(dir_, *store_, {}, tree->root, nullptr);
  EXPECT_THAT(std::string(result.status().message()), ::testing::HasSubstr("dir/file.c"));
}

}  // namespace
}  // namespace wasmagent::workspace
