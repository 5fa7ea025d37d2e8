#include "client/artifacts/artifact_writer.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "platform/file.h"
#include "tests/unit/client/artifacts/fake_cas.h"

namespace wasmagent::client {
namespace {

using content::EntryKind;

class ArtifactWriter : public testing::Test {
 protected:
  ArtifactWriter() {
    std::string name = testing::TempDir() + "/out-XXXXXX";
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    base_ = name;
    folder_ = name + "/builddir/wasi";
  }
  ~ArtifactWriter() override { std::filesystem::remove_all(base_); }

  content::TreeEntry File(const std::string& path, const std::string& bytes, EntryKind kind = EntryKind::kFile) {
    return {path, kind, cas_.Add(bytes), ""};
  }
  absl::StatusOr<FetchStatistics> Fetch(const content::Digest& root) {
    return FetchArtifacts(transfer_, root, folder_, "record\n");
  }
  std::string Read(const std::string& path) { return platform::ReadFile(folder_ + "/" + path).value_or("(none)"); }
  // Every name in the folder but wasmctl's own.
  std::vector<std::string> Names() {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_)) {
      std::string name = entry.path().lexically_relative(folder_);
      if (!name.starts_with(".wasmctl-")) names.push_back(name);
    }
    return names;
  }

  FakeCas cas_;
  content::BlobTransfer transfer_{{cas_.Channel()}};
  std::string base_;
  std::string folder_;
};

// Nothing is written that git would take for a repository's own, whose configuration names programs.
TEST_F(ArtifactWriter, GitFoldersAreRefused) {
  for (const char* path : {".git/config", "sub/.git/hooks/post-checkout"}) {
    EXPECT_EQ(Fetch(cas_.AddTree({File(path, "x")})).status().code(), absl::StatusCode::kInvalidArgument) << path;
  }
  EXPECT_EQ(Names(), std::vector<std::string>{});
  EXPECT_TRUE(Fetch(cas_.AddTree({File("x.git/config", "x")})).ok());
}

// Content, modes, links and empty folders arrive as they are in the tree.
TEST_F(ArtifactWriter, WritesTheTree) {
  auto root = cas_.AddTree({File("python.wasm", "wasm", EntryKind::kExecutable),
                            File("lib/a.py", "a"),
                            {"link", EntryKind::kSymlink, {}, "lib/a.py"},
                            {"empty", EntryKind::kDirectory, {}, ""}});
  auto got = Fetch(root);
  ASSERT_TRUE(got.ok()) << got.status();
  EXPECT_EQ(got->fetched_files, 2U);
  EXPECT_EQ(Read("python.wasm"), "wasm");
  EXPECT_EQ(Read("link"), "a");
  struct stat info;
  ASSERT_EQ(::stat((folder_ + "/python.wasm").c_str(), &info), 0);
  EXPECT_NE(info.st_mode & S_IXUSR, 0U);
  EXPECT_TRUE(std::filesystem::is_directory(folder_ + "/empty"));
}

// The second fetch moves what differs, removes what is an artifact no more, and leaves files of others alone.
TEST_F(ArtifactWriter, FetchesTheDifference) {
  ASSERT_TRUE(Fetch(cas_.AddTree({File("same", "1"), File("changed", "2"), File("d/gone", "3")})).ok());
  std::ofstream(folder_ + "/mine") << "mine";
  auto got = Fetch(cas_.AddTree({File("same", "1"), File("changed", "two")}));
  ASSERT_TRUE(got.ok());
  EXPECT_EQ(got->fetched_files, 1U);
  EXPECT_EQ(Read("changed"), "two");
  EXPECT_EQ(Read("mine"), "mine");
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/d"));
}

// A file that was changed here is overwritten.
TEST_F(ArtifactWriter, LocalChangesAreOverwritten) {
  auto root = cas_.AddTree({File("a", "one")});
  ASSERT_TRUE(Fetch(root).ok());
  std::ofstream(folder_ + "/a") << "mine";
  ASSERT_TRUE(Fetch(root).ok());
  EXPECT_EQ(Read("a"), "one");
}

// Guarantee 4: complete or not at all. One blob that cannot be had leaves the old state as it was, to the last file.
TEST_F(ArtifactWriter, NothingIsTornWhenAFetchFails) {
  auto old_root = cas_.AddTree({File("a", "old a"), File("b", "old b"), File("c", "old c")});
  ASSERT_TRUE(Fetch(old_root).ok());
  auto new_root = cas_.AddTree({File("a", "new a"), File("b", "new b")});
  cas_.Forget(content::Digest::Of("new b"));
  EXPECT_FALSE(Fetch(new_root).ok());
  EXPECT_EQ(Read("a"), "old a");
  EXPECT_EQ(Read("b"), "old b");
  EXPECT_EQ(Read("c"), "old c");
  EXPECT_THAT(Names(), testing::UnorderedElementsAre("a", "b", "c"));
  cas_.Add("new b");
  ASSERT_TRUE(Fetch(new_root).ok());
  EXPECT_EQ(Read("a"), "new a");
  EXPECT_EQ(Read("c"), "(none)");
}

// What a fetch that was killed left behind, staging folder and half of the renames, is put right by the next.
TEST_F(ArtifactWriter, RepairsAfterACrash) {
  auto root = cas_.AddTree({File("a", "1"), File("b", "2")});
  ASSERT_TRUE(Fetch(root).ok());
  std::filesystem::create_directories(folder_ + "/.wasmctl-staging-dead");
  std::ofstream(folder_ + "/.wasmctl-staging-dead/0") << "half";
  std::filesystem::remove(folder_ + "/b");
  ASSERT_TRUE(Fetch(root).ok());
  EXPECT_EQ(Read("b"), "2");
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/.wasmctl-staging-dead"));
}

// Guarantee 4: nothing is written outside. A link where a folder belongs is replaced, and what it points to stays
// untouched.
TEST_F(ArtifactWriter, LinksAreReplacedNotFollowed) {
  std::filesystem::create_directories(base_ + "/outside");
  std::filesystem::create_directories(folder_);
  ASSERT_EQ(::symlink("../../outside", (folder_ + "/lib").c_str()), 0);
  ASSERT_TRUE(Fetch(cas_.AddTree({File("lib/a", "1")})).ok());
  EXPECT_TRUE(std::filesystem::is_empty(base_ + "/outside"));
  EXPECT_FALSE(std::filesystem::is_symlink(folder_ + "/lib"));
  EXPECT_EQ(Read("lib/a"), "1");
}

// A file may become a folder and a folder a file.
TEST_F(ArtifactWriter, KindsMayChange) {
  ASSERT_TRUE(Fetch(cas_.AddTree({File("a", "1"), File("b/x", "2")})).ok());
  auto got = Fetch(cas_.AddTree({File("a/x", "3"), File("b", "4")}));
  ASSERT_TRUE(got.ok()) << got.status();
  EXPECT_EQ(Read("a/x"), "3");
  EXPECT_EQ(Read("b"), "4");
}

}  // namespace
}  // namespace wasmagent::client
