#include "agent/builds/store_source_tree.h"

#include <gtest/gtest.h>

#include "google/rpc/error_details.pb.h"
#include "tests/unit/agent/workspace/store_fixture.h"

namespace wasmagent::builds {
namespace {

class StoreSourceTreeTest : public wasmagent::testing::StoreFixture {};

TEST_F(StoreSourceTreeTest, ReadsByPath) {
  StoreSourceTree tree(*store_, Put({{"configure", "x:#!"}, {"a/b/c.txt", "deep"}, {"l", "l:configure"}}));
  EXPECT_TRUE(*tree.HasFile("configure"));
  EXPECT_TRUE(*tree.HasFile("l"));
  EXPECT_FALSE(*tree.HasFile("a/b"));
  EXPECT_FALSE(*tree.HasFile("a/x/c"));
  EXPECT_FALSE(*tree.HasFile("configure/x"));
  EXPECT_EQ(*tree.ReadFile("a/b/c.txt"), "deep");
  EXPECT_TRUE(absl::IsNotFound(tree.ReadFile("none").status()));
}

// The key of a configured build dir: it changes with a matching file's bytes, mode or name, and with nothing else.
TEST_F(StoreSourceTreeTest, DigestOfGlobs) {
  std::vector<std::string> globs = {"configure", "Modules/Setup*", "deep/**/x.in"};
  Files files = {{"configure", "1"}, {"Modules/Setup", "2"}, {"Modules/main.c", "3"}, {"deep/a/b/x.in", "4"}};
  auto digest = [&](const Files& with) { return *StoreSourceTree(*store_, Put(with)).DigestOf(globs); };
  std::string before = digest(files);
  Files other = files;
  other["Modules/main.c"] = "changed";
  other["new/file"] = "x";
  EXPECT_EQ(digest(other), before);
  for (const char* path : {"configure", "Modules/Setup", "deep/a/b/x.in"}) {
    Files changed = files;
    changed[path] = "changed";
    EXPECT_NE(digest(changed), before) << path;
  }
  Files more = files;
  more["Modules/Setup.local"] = "";
  EXPECT_NE(digest(more), before);
  Files mode = files;
  mode["configure"] = "x:1";
  EXPECT_NE(digest(mode), before);
}

// Few Directories can have more paths than anybody can list: a plan of them is refused, and soon.
TEST_F(StoreSourceTreeTest, PathsHaveABound) {
  content::Digest below = content::Digest::Empty();
  for (int level = 0; level < 40; ++level) {
    content::reapi::Directory folder;
    for (const char* name : {"a", "b"}) {
      auto* node = folder.add_directories();
      node->set_name(name);
      *node->mutable_digest() = below.ToProto();
    }
    std::string bytes = content::SerializeDirectory(folder);
    below = content::Digest::Of(bytes);
    ASSERT_TRUE(store_->PutOne(below, bytes).ok());
  }
  absl::Status status = StoreSourceTree(*store_, below).DigestOf({"**/x"}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
}

// A blob that the client has not sent yet is asked for by name, so that it sends just that.
TEST_F(StoreSourceTreeTest, AMissingBlobIsListed) {
  content::Digest absent = content::Digest::Of("not sent");
  auto tree = *content::BuildTree({{"wasmbuild.yaml", content::EntryKind::kFile, absent, ""}});
  for (const auto& [digest, bytes] : tree.directories) ASSERT_TRUE(store_->PutOne(digest, bytes).ok());
  absl::Status status = StoreSourceTree(*store_, tree.root).ReadFile("wasmbuild.yaml").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  google::rpc::PreconditionFailure failure;
  ASSERT_TRUE(
      failure.ParseFromString(std::string(*status.GetPayload("type.googleapis.com/google.rpc.PreconditionFailure"))));
  EXPECT_EQ(failure.violations(0).subject(), "blobs/" + absent.ToString());
}

}  // namespace
}  // namespace wasmagent::builds
