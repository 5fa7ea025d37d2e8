#include "agent/builds/build_manager.h"

#include "gmock/gmock.h"
#include "tests/unit/agent/workspace/store_fixture.h"

namespace wasmagent::builds {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using wasmagent::v1::Build;

class NoLauncher : public sandbox::Launcher {
 public:
  absl::StatusOr<sandbox::CommandResult> Run(const sandbox::Command&, const sandbox::OutputSink&, sandbox::StopToken&,
                                             absl::Time, absl::Duration) override {
    return absl::UnimplementedError("nothing runs here");
  }
  bool Alive() const override { return true; }
};

// A manager whose slots are not started.
class BuildManagerTest : public wasmagent::testing::StoreFixture {
 protected:
  BuildManagerTest() {
    options_.directory = scratch_ + "/builds";
    options_.min_free_bytes = 0;
    EXPECT_TRUE(platform::MakeDirectories(options_.directory + "/journals").ok());
    workspaces_ = workspace::WorkspacePool::Open(scratch_ + "/workspaces", 3, clock_).value();
  }
  // A build as a run before this one left it.
  void Left(const std::string& id, wasmagent::v1::BuildState state, uint64_t artifact_bytes = 0) {
    Build build;
    build.mutable_request()->set_build_id(id);
    *build.mutable_request()->mutable_root() = content::Digest::Of("root of " + id).ToProto();
    build.set_state(state);
    auto* artifacts = build.add_artifacts();
    *artifacts->mutable_root() = content::Digest::Of("made by " + id).ToProto();
    artifacts->set_bytes(artifact_bytes);
    EXPECT_TRUE(RecordStore::Open(options_.directory + "/builds.sqlite").value()->Put(build).ok());
  }
  // Moves the agent's state to a file system where nobody else writes, with 64 MiB in an idle workspace. The caller
  // removes the folder.
  std::string StateInMemory() {
    const std::string memory = platform::MakeTemporaryDirectory("/dev/shm", "room").value();
    workspaces_ = workspace::WorkspacePool::Open(memory + "/workspaces", 3, clock_).value();
    options_.directory = memory + "/builds";
    wasmagent::v1::Checkout checkout;
    checkout.set_id("one");
    auto workspace = workspaces_->Acquire(checkout).value();
    workspace->Keep();
    const std::string large(64 << 20, 'x');
    EXPECT_TRUE(platform::WriteFileAtomically(workspace->source() + "/large", large, 0600, false).ok());
    return memory;
  }
  std::unique_ptr<BuildManager> Open() {
    auto manager =
        BuildManager::Open(options_, RunnerParts{*store_, *workspaces_, config_cache_, planner_, launcher_}, clock_);
    EXPECT_TRUE(manager.ok()) << manager.status();
    return *std::move(manager);
  }
  wasmagent::v1::BuildRequest Request() {
    wasmagent::v1::BuildRequest request;
    request.set_build_id("a-new-build");
    request.mutable_checkout()->set_id("checkout");
    *request.mutable_root() = Put({{"f", "1"}}).ToProto();
    request.add_targets("native");
    return request;
  }

  ManagerOptions options_;
  std::unique_ptr<workspace::WorkspacePool> workspaces_;
  workspace::ConfigCache config_cache_{scratch_ + "/config-cache"};
  pipeline::ToolchainInventory inventory_;
  pipeline::Planner planner_{inventory_, {}};
  NoLauncher launcher_;
};

// Bounded: only what fits half of the budget is kept from collection for its artifacts, the newest first; what has not
// ended is kept whole.
TEST_F(BuildManagerTest, RootsFitTheBudget) {
  uint64_t half = store_->options().budget_bytes / 2;
  Left("waiting-1", wasmagent::v1::BUILD_STATE_QUEUED);
  Left("oldest-1", wasmagent::v1::BUILD_STATE_ENDED, 1);
  Left("large-11", wasmagent::v1::BUILD_STATE_ENDED, half);
  Left("newest-1", wasmagent::v1::BUILD_STATE_ENDED, half / 2);
  auto roots = Open()->Roots();
  ASSERT_TRUE(roots.ok()) << roots.status();
  EXPECT_THAT(*roots, ElementsAre(content::Digest::Of("made by newest-1"), content::Digest::Of("root of waiting-1"),
                                  content::Digest::Of("made by waiting-1")));
}

// What explains a failure is kept as long as its build is remembered, however old it is, within bounds of its own.
TEST_F(BuildManagerTest, RootsHoldTheEvidence) {
  auto left = [this](const std::string& id, uint64_t size) {
    Left(id, wasmagent::v1::BUILD_STATE_ENDED, store_->options().budget_bytes);
    auto records = RecordStore::Open(options_.directory + "/builds.sqlite").value();
    Build build = records->Get(id).value();
    auto digest = content::Digest::Of("log of " + id).ToProto();
    digest.set_size_bytes(static_cast<int64_t>(size));
    *build.add_evidence()->mutable_digest() = digest;
    EXPECT_TRUE(records->Put(build).ok());
    return content::Digest::FromProto(digest).value();
  };
  auto oldest = left("oldest-1", 1000);
  left("huge-111", store_->options().budget_bytes);
  auto newest = left("newest-1", 1000);
  auto roots = Open()->Roots();
  ASSERT_TRUE(roots.ok()) << roots.status();
  EXPECT_THAT(*roots, ElementsAre(newest, oldest));
}

// One build whose journal cannot be opened keeps no other from being taken up.
TEST_F(BuildManagerTest, OneBrokenBuildKeepsNoOtherWaiting) {
  Left("broken-1", wasmagent::v1::BUILD_STATE_QUEUED);
  Left("waiting-1", wasmagent::v1::BUILD_STATE_QUEUED);
  ASSERT_TRUE(platform::MakeDirectories(options_.directory + "/journals/broken-1").ok());
  auto manager = Open();
  ASSERT_NE(manager, nullptr);
  EXPECT_EQ(manager->CurrentLoad().queued, 1u);
}

// A known id gives the build as it stands, however many ids begin with it, and is not accepted twice.
TEST_F(BuildManagerTest, AKnownIdIsNotAcceptedTwice) {
  Left("a-new-build-1", wasmagent::v1::BUILD_STATE_ENDED);
  Left("a-new-build-2", wasmagent::v1::BUILD_STATE_ENDED);
  Left("a-new-build", wasmagent::v1::BUILD_STATE_QUEUED);
  auto manager = Open();
  auto build = manager->Start(Request());
  ASSERT_TRUE(build.ok()) << build.status();
  EXPECT_EQ(build->request().root().hash(), content::Digest::Of("root of a-new-build").Hex());
  EXPECT_EQ(manager->CurrentLoad().queued, 1u);
}

// Bounded: what waits has a limit, and who comes after it is told.
TEST_F(BuildManagerTest, AFullQueueRefuses) {
  options_.queue_limit = 1;
  auto manager = Open();
  EXPECT_FALSE(absl::IsResourceExhausted(manager->Start(Request()).status()));
  manager.reset();
  Left("waiting-1", wasmagent::v1::BUILD_STATE_QUEUED);
  manager = Open();
  absl::Status refused = manager->Start(Request()).status();
  EXPECT_TRUE(absl::IsResourceExhausted(refused)) << refused;
  EXPECT_THAT(std::string(refused.message()), ::testing::HasSubstr("the queue is full: 1 builds wait"));
}

// On a disk that is nearly full the agent gives up what only makes it fast before it refuses a build, and the refusal
// says what can be done.
TEST_F(BuildManagerTest, RoomIsMadeBeforeABuildIsRefused) {
  for (const char* id : {"one", "two"}) {
    wasmagent::v1::Checkout checkout;
    checkout.set_id(id);
    workspaces_->Acquire(checkout).value()->Keep();
  }
  ASSERT_EQ(workspaces_->List().size(), 2u);
  options_.min_free_bytes = uint64_t{1} << 60;
  absl::Status refused = Open()->Start(Request()).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(refused.message()), HasSubstr("free space on the disk of " + scratch_));
  EXPECT_THAT(workspaces_->List(), IsEmpty());
}

// Space that is given up is enough: the build is accepted as far as the disk goes.
TEST_F(BuildManagerTest, RoomThatWasMadeIsEnough) {
  // In memory nobody else writes.
  if (::access("/dev/shm", W_OK | X_OK) != 0) GTEST_SKIP() << "no /dev/shm";
  const std::string memory = StateInMemory();
  options_.min_free_bytes = platform::FreeBytes(memory).value() + (32 << 20);
  absl::Status status = Open()->Start(Request()).status();
  // The target is not known here, which is what comes after room.
  EXPECT_NE(status.code(), absl::StatusCode::kResourceExhausted) << status;
  EXPECT_THAT(workspaces_->List(), IsEmpty());
  workspaces_.reset();
  EXPECT_TRUE(platform::RemoveTree(memory).ok());
}

// What a client is asked to send has room when it comes: idle workspaces go for it. What no disk could hold costs none.
TEST_F(BuildManagerTest, RoomIsMadeForWhatIsMissing) {
  if (::access("/dev/shm", W_OK | X_OK) != 0) GTEST_SKIP() << "no /dev/shm";
  const std::string memory = StateInMemory();
  auto manager = Open();
  auto start_with = [&](uint64_t missing) {
    content::Digest absent = content::Digest::Of("absent");
    absent.size = missing;
    auto tree = content::BuildTree({{"f", content::EntryKind::kFile, absent, ""}}).value();
    for (const auto& [digest, bytes] : tree.directories) {
      for (const absl::Status& put : store_->PutAll({{digest, bytes}})) EXPECT_TRUE(put.ok()) << put;
    }
    wasmagent::v1::BuildRequest request = Request();
    *request.mutable_root() = tree.root.ToProto();
    return manager->Start(request).status();
  };
  EXPECT_EQ(start_with(uint64_t{1} << 60).code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(workspaces_->List().size(), 1u);
  EXPECT_EQ(start_with(platform::FreeBytes(memory).value() + (32 << 20)).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(workspaces_->List(), IsEmpty());
  manager.reset();
  workspaces_.reset();
  EXPECT_TRUE(platform::RemoveTree(memory).ok());
}

// A build that this agent could not take up has not ended: nobody is told that it has, and it can be cancelled.
TEST_F(BuildManagerTest, WhatIsNotRunHasNotEnded) {
  Left("broken-1", wasmagent::v1::BUILD_STATE_QUEUED);
  ASSERT_TRUE(platform::MakeDirectories(options_.directory + "/journals/broken-1").ok());
  auto manager = Open();
  EXPECT_EQ(manager->Watch("broken-1", 0, [] {}).status().code(), absl::StatusCode::kUnavailable);
  auto cancelled = manager->Cancel("broken-1", "");
  ASSERT_TRUE(cancelled.ok()) << cancelled.status();
  EXPECT_TRUE(manager->Get("broken-1").value().cancel_requested());
}

}  // namespace
}  // namespace wasmagent::builds
