#include "agent/workspace/workspace_pool.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

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

// A new workspace says why it is one, and a sync what differs from the tree before.
TEST_F(WorkspacePoolTest, SaysWhyAndWhatChanged) {
  {
    auto first = Take("a");
    EXPECT_NE(first->reason().find("not built here before"), std::string::npos) << first->reason();
    EXPECT_NE(Take("a")->reason().find("other builds use"), std::string::npos);
    SyncStats stats;
    ASSERT_TRUE(first->Sync(*store_, Put({{"f", "1"}, {"g", "1"}}), &stats).ok());
    EXPECT_EQ(stats.changes.added, 2u);
    first->Keep();
  }
  auto again = Take("a");
  EXPECT_EQ(again->reason(), "");
  SyncStats stats;
  ASSERT_TRUE(again->Sync(*store_, Put({{"f", "2"}, {"g", "1"}}), &stats).ok());
  EXPECT_EQ(stats.changes.changed_paths, std::vector<std::string>{"f"});
  EXPECT_EQ(stats.changes.added + stats.changes.removed, 0u);
  EXPECT_FALSE(stats.renewed);
  // One whose files are gone starts anew.
  ASSERT_TRUE(platform::RemoveTree(again->source()).ok());
  ASSERT_TRUE(again->Sync(*store_, Put({{"f", "2"}}), &stats).ok());
  EXPECT_TRUE(stats.renewed);
}

// A workspace can be read as a build left it, also after a restart, for as long as no other build has used it.
TEST_F(WorkspacePoolTest, IsReopenedForTheBuildThatUsedItLast) {
  auto use = [this](const std::string& build_id) {
    auto workspace = pool_->Acquire(Checkout("a"), build_id).value();
    EXPECT_TRUE(workspace->Sync(*store_, Put({{"f", "1"}}), nullptr).ok());
    EXPECT_EQ(pool_->Reopen(workspace->name(), build_id).status().code(), absl::StatusCode::kFailedPrecondition);
    workspace->Keep();
    return workspace->name();
  };
  std::string name = use("build-1");
  Reopen();
  absl::Time used = pool_->List().front().last_use;
  {
    auto workspace = pool_->Reopen(name, "build-1");
    ASSERT_TRUE(workspace.ok()) << workspace.status();
    EXPECT_EQ(Read((*workspace)->source() + "/f"), "1");
    // Nobody else gets it meanwhile.
    EXPECT_FALSE(Take("a")->warm());
    EXPECT_EQ(pool_->Reopen(name, "build-1").status().code(), absl::StatusCode::kFailedPrecondition);
  }
  EXPECT_EQ(pool_->List().front().last_use, used);
  EXPECT_FALSE(pool_->List().front().busy);
  EXPECT_EQ(use("build-2"), name);
  absl::Status refused = pool_->Reopen(name, "build-1").status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_NE(refused.message().find("used by build build-2 since"), std::string::npos) << refused;
  EXPECT_TRUE(pool_->RemoveIdle().ok());
  EXPECT_EQ(pool_->Reopen(name, "build-2").status().code(), absl::StatusCode::kNotFound);
}

// What a build left in place of a file is not read: links, folders and fifos.
TEST_F(WorkspacePoolTest, OpensFilesAlone) {
  auto workspace = Take("a");
  ASSERT_TRUE(workspace->Sync(*store_, Put({{"d/f", "1"}}), nullptr).ok());
  const std::string source = workspace->source();
  ASSERT_EQ(::symlink("/etc/passwd", (source + "/link").c_str()), 0);
  ASSERT_EQ(::symlink("/etc", (source + "/folder").c_str()), 0);
  ASSERT_EQ(::mkfifo((source + "/fifo").c_str(), 0600), 0);
  EXPECT_TRUE(workspace->OpenFile("d/f").ok());
  for (const char* path : {"link", "folder/passwd", "fifo", "d", "nothing", "../../x"})
    EXPECT_FALSE(workspace->OpenFile(path).ok()) << path;
}

// Links for the tools of a build are below its temporary folder, replace what is there, follow nothing, and are gone
// with the build.
TEST_F(WorkspacePoolTest, TemporaryLinks) {
  Use("a");
  std::string link;
  {
    auto workspace = Take("a");
    link = workspace->temporary() + "/sdk/sysroot";
    ASSERT_EQ(::symlink("/elsewhere", (workspace->temporary() + "/sdk").c_str()), 0);
    for (const char* target : {"/opt/one", "/opt/two"}) {
      auto status = workspace->LinkTemporary("sdk/sysroot", target);
      ASSERT_TRUE(status.ok()) << status;
      EXPECT_EQ(std::filesystem::read_symlink(link), target);
    }
    workspace->Keep();
  }
  auto again = Take("a");
  EXPECT_TRUE(again->warm());
  EXPECT_FALSE(std::filesystem::is_symlink(link));
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

// Nothing torn: after the machine went down, what builds wrote last may not be on the disk though the state file is.
// Only what was flushed is used again, and not once a build has been in it since.
TEST_F(WorkspacePoolTest, APowerCutLeavesOnlyWhatWasFlushed) {
  // Another pool in the same folder is the agent after the power cut; this one never gets to its end.
  auto after_power_cut = [this] {
    auto pool = WorkspacePool::Open(scratch_ + "/workspaces", 3, clock_, "another boot");
    EXPECT_TRUE(pool.ok()) << pool.status();
    return (*pool)->List().size();
  };
  Use("a");
  ASSERT_TRUE(pool_->Flush().ok());
  EXPECT_EQ(after_power_cut(), 1u);
  Use("a");
  EXPECT_EQ(after_power_cut(), 0u);
}

// A kernel that goes on loses nothing; an orderly end flushes.
TEST_F(WorkspacePoolTest, AnOrderlyEndFlushes) {
  Use("a");
  pool_.reset();
  auto pool = WorkspacePool::Open(scratch_ + "/workspaces", 3, clock_, "another boot");
  ASSERT_TRUE(pool.ok()) << pool.status();
  EXPECT_EQ((*pool)->List().size(), 1u);
}

// One leftover that cannot be removed keeps nobody from starting, and no workspace gets its name.
TEST_F(WorkspacePoolTest, ALeftoverIsInNobodysWay) {
  Use("a");
  pool_.reset();
  // As root nothing but a mount point resists; too many levels for the descriptors that there are do, too.
  std::string nest = scratch_ + "/workspaces/ws-7";
  ASSERT_TRUE(platform::MakeDirectories(nest).ok());
  platform::ScopedFd folder = platform::OpenAt(AT_FDCWD, nest, O_RDONLY | O_DIRECTORY).value();
  for (int level = 0; level < 100; ++level) {
    ASSERT_EQ(::mkdirat(folder.get(), "d", 0700), 0);
    folder = platform::OpenAt(folder.get(), "d", O_RDONLY | O_DIRECTORY).value();
  }
  rlimit before;
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit few = {64, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
  Reopen();
  bool resisted = Exists(nest);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  ASSERT_NE(pool_, nullptr);
  EXPECT_EQ(pool_->List().size(), 1u);
  if (resisted) {
    EXPECT_NE(Take("b")->name(), "ws-7");
  }
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

// Marks describe what is in the source folder: when that is emptied, they go.
TEST_F(WorkspacePoolTest, MarksGoWithWhatTheyDescribe) {
  std::string name = Use("a");
  {
    auto workspace = Take("a");
    ASSERT_TRUE(workspace->SetMark("one", "1").ok());
    ASSERT_TRUE(workspace->Reset().ok());
    EXPECT_EQ(workspace->Mark("one"), "");
    ASSERT_TRUE(workspace->Sync(*store_, Put({{"f", "1"}}), nullptr).ok());
    ASSERT_TRUE(workspace->SetMark("one", "1").ok());
    workspace->Keep();
  }
  std::string manifest = pool_->directory() + "/" + name + "/manifest";
  ASSERT_TRUE(platform::WriteFileAtomically(manifest, "rubbish", 0644, false).ok());
  auto workspace = Take("a");
  EXPECT_EQ(workspace->Mark("one"), "1");
  ASSERT_TRUE(workspace->Sync(*store_, Put({{"f", "1"}}), nullptr).ok());
  EXPECT_EQ(workspace->Mark("one"), "");
}

// A build may put a link in place of the whole source folder: the next one gets a folder of its own, and what the link
// points to stays as it is.
TEST_F(WorkspacePoolTest, ALinkInPlaceOfTheSourceIsReplaced) {
  Use("a");
  std::string victim = scratch_ + "/victim";
  ASSERT_TRUE(platform::MakeDirectories(victim).ok());
  ASSERT_TRUE(platform::WriteFileAtomically(victim + "/f", "mine", 0644, false).ok());
  for (const std::string& target : {victim, scratch_ + "/nowhere"}) {
    {
      auto workspace = Take("a");
      ASSERT_TRUE(workspace->SetMark("one", "1").ok());
      ASSERT_TRUE(platform::RemoveTree(workspace->source()).ok());
      ASSERT_EQ(::symlink(target.c_str(), workspace->source().c_str()), 0);
      EXPECT_FALSE(workspace->MakeFolder("new", platform::InTheWay::kReplace).ok());
      EXPECT_FALSE(workspace->HasFolder("."));
      workspace->Keep();
    }
    auto workspace = Take("a");
    absl::Status synced = workspace->Sync(*store_, Put({{"f", "1"}}), nullptr);
    ASSERT_TRUE(synced.ok()) << synced;
    EXPECT_EQ(Read(workspace->source() + "/f"), "1");
    EXPECT_TRUE(S_ISDIR(Stat(workspace->source()).st_mode));
    EXPECT_EQ(workspace->Mark("one"), "");
    workspace->Keep();
  }
  EXPECT_EQ(Read(victim + "/f"), "mine");
}

// Build dirs are made and removed where their path says, never behind a link.
TEST_F(WorkspacePoolTest, FoldersBehindALinkAreLeftAlone) {
  std::string victim = scratch_ + "/victim";
  ASSERT_TRUE(platform::MakeDirectories(victim + "/build").ok());
  auto workspace = Take("a");
  ASSERT_EQ(::symlink(victim.c_str(), (workspace->source() + "/builddir").c_str()), 0);
  EXPECT_FALSE(workspace->HasFolder("builddir/build"));
  ASSERT_TRUE(workspace->RemoveFolder("builddir/build").ok());
  EXPECT_TRUE(Exists(victim + "/build"));
  EXPECT_FALSE(workspace->MakeFolder("builddir/new", platform::InTheWay::kRefuse).ok());
  ASSERT_TRUE(workspace->MakeFolder("builddir/new", platform::InTheWay::kReplace).ok());
  EXPECT_TRUE(workspace->HasFolder("builddir/new"));
  EXPECT_FALSE(Exists(victim + "/new"));
  ASSERT_TRUE(workspace->RemoveFolder("builddir/new").ok());
  EXPECT_FALSE(workspace->HasFolder("builddir/new"));
  ASSERT_TRUE(workspace->RemoveFolder("builddir").ok());
  EXPECT_FALSE(workspace->HasFolder("builddir"));
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
