#include "agent/workspace/workspace_pool.h"

#include <gtest/gtest.h>

#include "tests/unit/agent/workspace/store_fixture.h"

namespace wasmagent::workspace {
namespace {

class WorkspacePoolTest : public wasmagent::testing::StoreFixture {
 protected:
  WorkspacePoolTest() { Reopen(); }

  void Reopen(size_t limit = 3) {
    pool_.reset();
    auto pool = WorkspacePool::Open(scratch_ + "/workspaces", limit, clock_);
    EXPECT_TRUE(pool.ok()) << pool.status();
    pool_ = *std::move(pool);
  }
  static wasmagent::v1::Checkout Checkout(const std::string& id) {
    wasmagent::v1::Checkout checkout;
    checkout.set_id(id);
    return checkout;
  }
  std::unique_ptr<Workspace> Take(const std::string& id) {
    auto workspace = pool_->Acquire(Checkout(id));
    EXPECT_TRUE(workspace.ok()) << workspace.status();
    return *std::move(workspace);
  }
  // Uses a workspace as a successful build does.
  std::string Use(const std::string& id, const Files& files = {{"f", "1"}}) {
    auto workspace = Take(id);
    EXPECT_TRUE(workspace->Sync(*store_, Put(files), nullptr).ok());
    workspace->Keep();
    return workspace->name();
  }

  std::unique_ptr<WorkspacePool> pool_;
};

// The next build of a checkout gets the warm workspace, also after a restart.
TEST_F(WorkspacePoolTest, TheNextBuildIsWarm) {
  std::string name = Use("a");
  Reopen();
  auto workspace = Take("a");
  EXPECT_EQ(workspace->name(), name);
  EXPECT_TRUE(workspace->warm());
  EXPECT_EQ(Read(workspace->source() + "/f"), "1");
}

// One build at a time in a workspace: a second build of the same checkout takes another, and does not wait.
TEST_F(WorkspacePoolTest, ASecondBuildTakesAnother) {
  Use("a");
  auto first = Take("a");
  auto second = Take("a");
  EXPECT_NE(first->name(), second->name());
  EXPECT_FALSE(second->warm());
}

// Nothing torn: a workspace that was not kept, or was in use when the agent died, is thrown away.
TEST_F(WorkspacePoolTest, WhatWasCutShortIsThrownAway) {
  std::string dropped;
  {
    auto workspace = Take("a");
    dropped = workspace->source();
  }
  EXPECT_FALSE(Exists(dropped));
  // As a killed agent leaves it: in use on disk, with nobody to give it back.
  Use("b");
  auto busy = Take("b");
  std::string source = busy->source();
  ASSERT_TRUE(Exists(source));
  auto other = WorkspacePool::Open(scratch_ + "/workspaces", 3, clock_);
  ASSERT_TRUE(other.ok());
  EXPECT_FALSE(Exists(source));
  EXPECT_TRUE((*other)->List().empty());
}

// Bounded: beyond the limit the least recently used free one goes; busy ones never do.
TEST_F(WorkspacePoolTest, TheLeastRecentlyUsedGoes) {
  Reopen(2);
  Use("a");
  Use("b");
  Use("a");
  Use("c");
  std::vector<std::string> left;
  for (const auto& info : pool_->List()) left.push_back(info.checkout.id());
  EXPECT_EQ(left, (std::vector<std::string>{"c", "a"}));
}

// A build dir counts as configured only with the key that it was configured with.
TEST_F(WorkspacePoolTest, RemembersMarks) {
  Use("a");
  {
    auto workspace = Take("a");
    EXPECT_EQ(workspace->Mark("configured-wasi"), "");
    ASSERT_TRUE(workspace->SetMark("configured-wasi", "k1").ok());
    workspace->Keep();
  }
  auto workspace = Take("a");
  EXPECT_EQ(workspace->Mark("configured-wasi"), "k1");
  ASSERT_TRUE(workspace->SetMark("configured-wasi", "").ok());
  EXPECT_EQ(workspace->Mark("configured-wasi"), "");
}

// The digest that is proved is the one of the bytes on disk.
TEST_F(WorkspacePoolTest, VerifyReadsTheDisk) {
  Files files = {{"f", "1"}, {"d/g", "2"}};
  Use("a", files);
  WorkspaceInfo info;
  std::vector<std::string> differences;
  EXPECT_EQ(*pool_->Verify("a", &info, &differences), Put(files));
  ASSERT_TRUE(platform::WriteFileAtomically(pool_->directory() + "/" + info.name + "/src/f", "2", 0644, false).ok());
  EXPECT_NE(*pool_->Verify("a", &info, &differences), Put(files));
  EXPECT_EQ(differences, std::vector<std::string>{"f"});
  EXPECT_TRUE(absl::IsNotFound(pool_->Verify("unknown", &info, &differences).status()));
}

// A damaged manifest costs a full sync, never wrong bytes.
TEST_F(WorkspacePoolTest, ADamagedManifestMeansAFullSync) {
  std::string name = Use("a");
  std::string directory = pool_->directory() + "/" + name;
  ASSERT_TRUE(platform::WriteFileAtomically(directory + "/manifest", "rubbish", 0644, false).ok());
  ASSERT_TRUE(platform::WriteFileAtomically(directory + "/src/stray", "old", 0644, false).ok());
  auto workspace = Take("a");
  SyncStats stats;
  ASSERT_TRUE(workspace->Sync(*store_, Put({{"f", "1"}}), &stats).ok());
  EXPECT_EQ(stats.written, 1u);
  EXPECT_FALSE(Exists(workspace->source() + "/stray"));
}

}  // namespace
}  // namespace wasmagent::workspace
