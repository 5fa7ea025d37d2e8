#include "agent/builds/build_watch.h"

#include "gmock/gmock.h"
#include "tests/unit/agent/builds/live_build_fixture.h"

namespace wasmagent::builds {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class BuildWatchTest : public LiveBuildFixture {
 protected:
  void Tell(const std::string& text) { ASSERT_TRUE(build_->Emit(Notice(text)).ok()); }
  std::unique_ptr<BuildWatch> Live(uint64_t after) {
    return BuildWatch::OfLive(build_, after, [] {}).value();
  }
  std::unique_ptr<BuildWatch> Ended(uint64_t after) {
    return BuildWatch::OfEnded(directory_ + "/journal", build_->Record(), after).value();
  }
};

// A watcher gets what comes after the last event that it saw, each once, and nothing while there is nothing.
TEST_F(BuildWatchTest, FollowsFromAnyEvent) {
  Tell("one");
  Tell("two");
  auto watch = Live(1);
  auto batch = watch->Next().value();
  ASSERT_THAT(batch.events, SizeIs(1));
  EXPECT_EQ(batch.events[0].sequence(), 2U);
  EXPECT_THAT(watch->Next()->events, IsEmpty());
  Tell("three");
  EXPECT_EQ(watch->Next()->events.at(0).notice().text(), "three");
  EXPECT_FALSE(watch->Next()->ended);
}

// It is woken by each event for as long as it lives.
TEST_F(BuildWatchTest, IsWoken) {
  int wakes = 0;
  auto watch = BuildWatch::OfLive(build_, 0, [&] { ++wakes; }).value();
  Tell("one");
  Tell("two");
  EXPECT_EQ(wakes, 2);
  watch.reset();
  Tell("three");
  EXPECT_EQ(wakes, 2);
}

// Much is handed out in pieces that fit a message, all of it in order, whether the build runs or has ended.
TEST_F(BuildWatchTest, MuchComesInPieces) {
  for (int i = 0; i < 200; ++i) Tell(std::string(10'000, 'x') + std::to_string(i));
  ASSERT_TRUE(build_->End(wasmagent::v1::OUTCOME_SUCCEEDED, std::nullopt).ok());
  for (auto& watch : {Live(0), Ended(0)}) {
    uint64_t last = 0;
    BuildWatch::Batch batch;
    while (!batch.ended) {
      batch = watch->Next().value();
      size_t bytes = 0;
      for (const auto& event : batch.events) {
        EXPECT_EQ(event.sequence(), ++last);
        bytes += event.ByteSizeLong();
      }
      EXPECT_LT(bytes, 300'000U);
      ASSERT_GT(bytes, 0U);
    }
    EXPECT_EQ(last, 201U);
    EXPECT_TRUE(batch.events.back().has_ended());
  }
}

// The end comes once: a watcher that has seen it is told only that nothing follows.
TEST_F(BuildWatchTest, TheEndComesOnce) {
  Tell("one");
  ASSERT_TRUE(build_->End(wasmagent::v1::OUTCOME_FAILED, std::nullopt).ok());
  for (auto& watch : {Live(2), Ended(2)}) {
    auto batch = watch->Next().value();
    EXPECT_TRUE(batch.ended);
    EXPECT_THAT(batch.events, IsEmpty());
  }
}

// An end that a full disk kept out of the journal is told from the record, with the number that it would have had.
TEST_F(BuildWatchTest, AnEndThatWasNotWrittenIsTold) {
  wasmagent::v1::Cause cause;
  cause.set_summary("the disk is full");
  build_ = MakeBuild("/dev/full");
  ASSERT_FALSE(build_->End(wasmagent::v1::OUTCOME_FAILED, cause).ok());
  wasmagent::v1::Build record = build_->Record();
  record.set_last_sequence(1);
  ASSERT_TRUE(Journal::Open(directory_ + "/journal", clock_).value()->Append(Notice("one"), false).ok());
  auto ended = BuildWatch::OfEnded(directory_ + "/journal", record, 0).value();
  EXPECT_EQ(ended->Next()->events.at(0).notice().text(), "one");
  auto live = Live(0);
  for (auto* watch : {live.get(), ended.get()}) {
    uint64_t sequence = watch == ended.get() ? 2 : 1;
    auto batch = watch->Next().value();
    EXPECT_TRUE(batch.ended);
    ASSERT_THAT(batch.events, SizeIs(1));
    EXPECT_EQ(batch.events[0].sequence(), sequence);
    EXPECT_EQ(batch.events[0].ended().outcome(), wasmagent::v1::OUTCOME_FAILED);
    EXPECT_EQ(batch.events[0].ended().cause().summary(), "the disk is full");
    EXPECT_EQ(batch.events[0].time().seconds(), record.end_time().seconds());
  }
  auto again = BuildWatch::OfEnded(directory_ + "/journal", record, 2).value()->Next().value();
  EXPECT_TRUE(again.ended);
  EXPECT_THAT(again.events, IsEmpty());
}

// Without its journal an ended build cannot be watched, and the error says what was looked for.
TEST_F(BuildWatchTest, AJournalThatIsGoneIsAnError) {
  absl::Status status = BuildWatch::OfEnded(directory_ + "/absent", {}, 0).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr("journal"));
}

}  // namespace
}  // namespace wasmagent::builds
