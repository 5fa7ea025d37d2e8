#include "agent/builds/evidence.h"

#include "gmock/gmock.h"
#include "tests/unit/agent/workspace/store_fixture.h"

namespace wasmagent::builds {
namespace {

using ::testing::HasSubstr;
using wasmagent::v1::Build;

class EvidenceTest : public wasmagent::testing::StoreFixture {
 protected:
  EvidenceTest() : pool_(workspace::WorkspacePool::Open(scratch_ + "/workspaces", 3, clock_).value()) {}

  std::unique_ptr<workspace::Workspace> Take(const std::string& build_id) {
    wasmagent::v1::Checkout checkout;
    checkout.set_id("checkout");
    auto workspace = pool_->Acquire(checkout, build_id).value();
    EXPECT_TRUE(workspace->Sync(*store_, Put({{"main.c", "int main;"}}), nullptr).ok());
    return workspace;
  }
  static void Write(const workspace::Workspace& workspace, const std::string& path, const std::string& text) {
    const std::string whole = workspace.source() + "/" + path;
    ASSERT_TRUE(platform::MakeDirectories(whole.substr(0, whole.rfind('/'))).ok());
    ASSERT_TRUE(platform::WriteFileAtomically(whole, text, 0644, false).ok());
  }
  // A build that has ended; its target "app" has failed.
  static Build Ended(const std::string& id, const std::string& workspace) {
    Build build;
    build.mutable_request()->set_build_id(id);
    build.set_state(wasmagent::v1::BUILD_STATE_ENDED);
    build.mutable_cause()->set_target("app");
    build.set_workspace(workspace);
    (*build.mutable_build_directories())["app"] = "builddir/app";
    (*build.mutable_build_directories())["tool"] = ".";
    return build;
  }
  std::unique_ptr<workspace::WorkspacePool> pool_;
};

// config.log is stored with its digest, and stays while its lease is held.
TEST_F(EvidenceTest, KeepsConfigLog) {
  auto workspace = Take("build-1");
  EXPECT_FALSE(KeepConfigLog(*workspace, "app", "builddir/app", *store_).value().has_value());
  Write(*workspace, "builddir/app/config.log", "configure:1: error: no\n");
  auto evidence = KeepConfigLog(*workspace, "app", "builddir/app", *store_);
  ASSERT_TRUE(evidence.ok()) << evidence.status();
  ASSERT_TRUE(evidence->has_value());
  EXPECT_EQ((*evidence)->file.target(), "app");
  EXPECT_EQ((*evidence)->file.path(), "config.log");
  auto digest = content::Digest::FromProto((*evidence)->file.digest()).value();
  EXPECT_EQ(store_->Read(digest).value(), "configure:1: error: no\n");
  // In the source root, too.
  Write(*workspace, "config.log", "configure:2: error: no\n");
  EXPECT_TRUE(KeepConfigLog(*workspace, "app", ".", *store_).value().has_value());
}

// Contained: a build cannot have the agent read what lies elsewhere.
TEST_F(EvidenceTest, ALinkIsNoEvidence) {
  auto workspace = Take("build-1");
  Write(*workspace, "builddir/app/x", "");
  ASSERT_EQ(::symlink("/etc/passwd", (workspace->source() + "/builddir/app/config.log").c_str()), 0);
  EXPECT_FALSE(KeepConfigLog(*workspace, "app", "builddir/app", *store_).value().has_value());
}

// The target is the one that failed unless another is named; the names are told when neither will do.
TEST_F(EvidenceTest, WhichBuildDirIsMeant) {
  Build build = Ended("build-1", "ws-1");
  EXPECT_EQ(TargetOfBuildDirectory(build, "").value(), "app");
  EXPECT_EQ(TargetOfBuildDirectory(build, "tool").value(), "tool");
  absl::Status unknown = TargetOfBuildDirectory(build, "nonesuch").status();
  EXPECT_EQ(unknown.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(unknown.message()), HasSubstr("app, tool"));
  build.clear_cause();
  EXPECT_EQ(TargetOfBuildDirectory(build, "").status().code(), absl::StatusCode::kInvalidArgument);
  build.mutable_build_directories()->erase("app");
  EXPECT_EQ(TargetOfBuildDirectory(build, "").value(), "tool");
  build.set_state(wasmagent::v1::BUILD_STATE_RUNNING);
  EXPECT_EQ(TargetOfBuildDirectory(build, "").status().code(), absl::StatusCode::kFailedPrecondition);
  build.set_state(wasmagent::v1::BUILD_STATE_ENDED);
  build.clear_build_directories();
  EXPECT_EQ(TargetOfBuildDirectory(build, "").status().code(), absl::StatusCode::kFailedPrecondition);
}

// All of a build dir is stored: objects, links and what make leaves, and of the source root the sources, too.
TEST_F(EvidenceTest, KeepsABuildDirectory) {
  std::string name;
  {
    auto workspace = Take("build-1");
    Write(*workspace, "builddir/app/a.o", "object");
    Write(*workspace, "builddir/app/.deps/a.d", "a.o: a.c");
    ASSERT_EQ(::symlink("a.o", (workspace->source() + "/builddir/app/link").c_str()), 0);
    name = workspace->name();
    workspace->Keep();
  }
  auto kept = KeepBuildDirectory(Ended("build-1", name), "app", *pool_, *store_);
  ASSERT_TRUE(kept.ok()) << kept.status();
  EXPECT_EQ(kept->files, 3u);
  EXPECT_TRUE(content::FindInTree(kept->root, store_->DirectoryReader(), ".deps/a.d").ok());
  auto whole = KeepBuildDirectory(Ended("build-1", name), "tool", *pool_, *store_);
  ASSERT_TRUE(whole.ok()) << whole.status();
  EXPECT_TRUE(content::FindInTree(whole->root, store_->DirectoryReader(), "main.c").ok());
  EXPECT_TRUE(content::FindInTree(whole->root, store_->DirectoryReader(), "builddir/app/a.o").ok());
}

// What is gone, or belongs to a later build, is refused in words; a link in its place is not followed.
TEST_F(EvidenceTest, RefusesWhatIsNotThatBuilds) {
  std::string name;
  {
    auto workspace = Take("build-1");
    Write(*workspace, "builddir/x", "");
    ASSERT_EQ(::symlink("/etc", (workspace->source() + "/builddir/app").c_str()), 0);
    name = workspace->name();
    workspace->Keep();
  }
  EXPECT_EQ(KeepBuildDirectory(Ended("build-1", name), "app", *pool_, *store_).status().code(),
            absl::StatusCode::kNotFound);
  Take("build-2")->Keep();
  absl::Status later = KeepBuildDirectory(Ended("build-1", name), "tool", *pool_, *store_).status();
  EXPECT_EQ(later.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(later.message()), HasSubstr("build-2"));
  EXPECT_EQ(KeepBuildDirectory(Ended("build-1", "ws-99"), "tool", *pool_, *store_).status().code(),
            absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace wasmagent::builds
