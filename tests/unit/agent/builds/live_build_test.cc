#include "agent/builds/live_build.h"

#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "tests/unit/agent/builds/live_build_fixture.h"

namespace wasmagent::builds {
namespace {

using ::testing::ElementsAre;

using LiveBuildTest = LiveBuildFixture;

// Each event is in the journal before the watchers learn of it; one that is removed learns no more.
TEST_F(LiveBuildTest, EventsWakeWatchers) {
  std::vector<uint64_t> seen;
  auto watcher = build_->AddWatcher([&] { seen.push_back(build_->journal().last_sequence()); });
  ASSERT_TRUE(build_->Emit(Notice("one")).ok());
  ASSERT_TRUE(build_->Emit(Notice("two")).ok());
  EXPECT_THAT(seen, ElementsAre(1, 2));
  build_->RemoveWatcher(watcher);
  ASSERT_TRUE(build_->Emit(Notice("three")).ok());
  EXPECT_THAT(seen, ElementsAre(1, 2));
  EXPECT_EQ(Events().back().notice().text(), "three");
}

// A change that needs no disk of its own is saved with the next one that does.
TEST_F(LiveBuildTest, ChangesAreSavedByTheNextUpdate) {
  build_->Change([](auto& record) { record.set_workspace("ws-1"); });
  EXPECT_EQ(build_->Record().workspace(), "ws-1");
  EXPECT_FALSE(records_->Get("build-id").ok());
  ASSERT_TRUE(build_->Update([](auto& record) { record.set_attempts(3); }).ok());
  EXPECT_EQ(records_->Get("build-id")->workspace(), "ws-1");
}

// A change is saved when Update returns, and the record knows how far the journal is.
TEST_F(LiveBuildTest, UpdatesAreSaved) {
  ASSERT_TRUE(build_->Emit(Notice("one")).ok());
  ASSERT_TRUE(build_->Update([](auto& record) { record.set_attempts(3); }).ok());
  EXPECT_EQ(records_->Get("build-id")->attempts(), 3U);
  EXPECT_EQ(records_->Get("build-id")->last_sequence(), 1U);
  ASSERT_TRUE(build_->Emit(Notice("two")).ok());
  EXPECT_EQ(build_->Record().attempts(), 3U);
  EXPECT_EQ(build_->Record().last_sequence(), 2U);
}

// What is saved last is the newest: a cancel that meets the end must not put the running build's record over it.
TEST_F(LiveBuildTest, ChangesAreSavedInTheirOrder) {
  for (int round = 0; round < 50; ++round) {
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back(
          [&] { EXPECT_TRUE(build_->Update([](auto& record) { record.set_attempts(record.attempts() + 1); }).ok()); });
    }
    for (std::thread& thread : threads) thread.join();
    ASSERT_EQ(records_->Get("build-id")->attempts(), build_->Record().attempts());
  }
}

// The end: first the event, then the record, then the watchers, who find both.
TEST_F(LiveBuildTest, EndsInOrder) {
  wasmagent::v1::Cause cause;
  cause.set_summary("why");
  int wakes = 0;
  auto watcher = build_->AddWatcher([&] {
    ++wakes;
    EXPECT_TRUE(build_->ended());
    EXPECT_EQ(build_->journal().last_sequence(), 1U);
    EXPECT_EQ(records_->Get("build-id")->state(), wasmagent::v1::BUILD_STATE_ENDED);
  });
  EXPECT_FALSE(build_->ended());
  ASSERT_TRUE(build_->End(wasmagent::v1::OUTCOME_FAILED, cause).ok());
  build_->RemoveWatcher(watcher);
  EXPECT_EQ(wakes, 1);
  EXPECT_EQ(Events().back().ended().cause().summary(), "why");
  auto record = records_->Get("build-id").value();
  EXPECT_EQ(record.outcome(), wasmagent::v1::OUTCOME_FAILED);
  EXPECT_EQ(record.cause().summary(), "why");
  EXPECT_EQ(record.last_sequence(), 1U);
  EXPECT_TRUE(record.has_end_time());
}

// The end is the last event: what another thread has to say meanwhile, its place in a queue for example, is not told
// any more.
TEST_F(LiveBuildTest, NothingComesAfterTheEnd) {
  std::thread late([&] {
    while (!build_->ended()) EXPECT_TRUE(build_->Emit(Notice("waiting")).ok());
    EXPECT_TRUE(build_->Emit(Notice("late")).ok());
  });
  EXPECT_TRUE(build_->End(wasmagent::v1::OUTCOME_CANCELLED, std::nullopt).ok());
  late.join();
  EXPECT_TRUE(Events().back().has_ended());
  EXPECT_EQ(build_->journal().last_sequence(), Events().back().sequence());
}

// On a full disk the build ends all the same; the error is told.
TEST_F(LiveBuildTest, EndsOnAFullDisk) {
  auto build = MakeBuild("/dev/full");
  EXPECT_FALSE(build->Emit(Notice("x")).ok());
  EXPECT_EQ(build->End(wasmagent::v1::OUTCOME_SUCCEEDED, std::nullopt).code(), absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(build->ended());
  EXPECT_EQ(records_->Get("build-id")->outcome(), wasmagent::v1::OUTCOME_SUCCEEDED);
}

// What compilers print is in any encoding; a build whose messages are not UTF-8 can be watched and looked up all the
// same.
TEST_F(LiveBuildTest, TextOfAnyEncodingIsReadable) {
  wasmagent::v1::BuildEvent event;
  event.mutable_diagnostic()->set_text(
      "unbekannte Gr\xf6\xdf"
      "e");
  ASSERT_TRUE(build_->Emit(event).ok());
  wasmagent::v1::Cause cause;
  cause.set_excerpt("half a quote: \xe2\x80");
  ASSERT_TRUE(build_->End(wasmagent::v1::OUTCOME_FAILED, cause).ok());
  ASSERT_EQ(Events().size(), 2U);
  EXPECT_EQ(Events()[0].diagnostic().text(),
            "unbekannte Gr\xef\xbf\xbd\xef\xbf\xbd"
            "e");
  EXPECT_EQ(Events()[1].ended().cause().excerpt(), "half a quote: \xef\xbf\xbd\xef\xbf\xbd");
  auto record = records_->Get("build-id");
  ASSERT_TRUE(record.ok()) << record.status();
  EXPECT_EQ(record->cause().excerpt(), build_->Record().cause().excerpt());
}

// Whoever cancels first is named.
TEST_F(LiveBuildTest, TheFirstCancelReasonStays) {
  EXPECT_EQ(build_->cancel_reason(), "");
  build_->SetCancelReason("by ada");
  build_->SetCancelReason("by bob");
  EXPECT_EQ(build_->cancel_reason(), "by ada");
}

}  // namespace
}  // namespace wasmagent::builds
