#include "agent/workspace/artifact_collector.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>

#include "tests/unit/agent/workspace/store_fixture.h"

namespace wasmagent::workspace {
namespace {

// Stands for the target file's globs: names with a "*" match what starts with the part before it.
bool Matches(const std::vector<std::string>& globs, const std::string& path) {
  return std::any_of(globs.begin(), globs.end(), [&](const std::string& glob) {
    return glob.ends_with('*') ? path.starts_with(glob.substr(0, glob.size() - 1)) : path == glob;
  });
}

class ArtifactCollectorTest : public wasmagent::testing::StoreFixture {
 protected:
  ArtifactCollectorTest() : dir_(scratch_ + "/build") {
    EXPECT_TRUE(platform::MakeDirectories(dir_ + "/lib").ok());
    EXPECT_TRUE(platform::WriteFileAtomically(dir_ + "/python.wasm", "wasm", 0755, false).ok());
    EXPECT_TRUE(platform::WriteFileAtomically(dir_ + "/lib/data.py", "data", 0644, false).ok());
    EXPECT_TRUE(platform::WriteFileAtomically(dir_ + "/main.o", "object", 0644, false).ok());
    EXPECT_EQ(::symlink("python.wasm", (dir_ + "/lib/link").c_str()), 0);
  }
  std::string dir_;
};

// What is taken is what matches, with modes and links, and the tree in the store is whole.
TEST_F(ArtifactCollectorTest, TakesWhatMatches) {
  auto collected = CollectArtifacts(dir_, {"python.wasm", "lib/*"}, Matches, {}, *store_);
  ASSERT_TRUE(collected.ok()) << collected.status();
  EXPECT_EQ(collected->files, 3u);
  EXPECT_EQ(collected->bytes, 8u);
  EXPECT_TRUE(store_->MissingFromTree(collected->root, 10)->empty());
  std::vector<std::string> seen;
  ASSERT_TRUE(content::WalkTree(collected->root, store_->DirectoryReader(), [&](const content::TreeEntry& entry) {
                seen.push_back(std::to_string(static_cast<int>(entry.kind)) + entry.path + entry.target);
                return absl::OkStatus();
              }).ok());
  EXPECT_THAT(seen, ::testing::ElementsAre("3lib", "0lib/data.py", "2lib/linkpython.wasm", "1python.wasm"));
}

// A target that builds among its sources leaves only what it made, and a source file that it names.
TEST_F(ArtifactCollectorTest, SourcesAreLeftOut) {
  auto collected = CollectArtifacts(dir_, {"*", "main.o"}, Matches, {"python.wasm", "lib/data.py", "main.o"}, *store_);
  ASSERT_TRUE(collected.ok()) << collected.status();
  EXPECT_EQ(collected->files, 2u);  // lib/link and main.o
}

// A file that was promised by name and is not there is named.
TEST_F(ArtifactCollectorTest, AMissingArtifactIsNamed) {
  auto collected = CollectArtifacts(dir_, {"python.wasm", "python.js"}, Matches, {}, *store_);
  EXPECT_TRUE(absl::IsNotFound(collected.status()));
  EXPECT_THAT(std::string(collected.status().message()), ::testing::HasSubstr("python.js"));
}

// Folders deeper than a tree may be are an error that names them, not the end of the stack.
TEST_F(ArtifactCollectorTest, RefusesFoldersThatAreTooDeep) {
  auto at = platform::OpenAt(AT_FDCWD, dir_, O_RDONLY | O_DIRECTORY).value();
  for (int i = 0; i < content::kMaxTreeDepth; ++i) {
    ASSERT_EQ(::mkdirat(at.get(), "d", 0755), 0);
    at = platform::OpenAt(at.get(), "d", O_RDONLY | O_DIRECTORY).value();
  }
  auto collected = CollectArtifacts(dir_, {"python.wasm"}, Matches, {}, *store_);
  ASSERT_TRUE(absl::IsInvalidArgument(collected.status())) << collected.status();
  EXPECT_THAT(std::string(collected.status().message()), ::testing::HasSubstr("d/d/d"));
}

}  // namespace
}  // namespace wasmagent::workspace
