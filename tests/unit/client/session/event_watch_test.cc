#include "client/session/event_watch.h"

#include <atomic>
#include <thread>

#include "client/session/agent_calls.h"
#include "fake_agent.h"
#include "gtest/gtest.h"
#include "scripts.h"

namespace wasmagent::client {
namespace {

using wasmagent::v1::WatchBuildRequest;
using wasmagent::v1::WatchBuildResponse;
using Writer = grpc::ServerWriter<WatchBuildResponse>;

// Writes these events in one message; the tenth ends the build.
void Send(Writer* writer, const std::vector<uint64_t>& sequences) {
  WatchBuildResponse response;
  for (uint64_t sequence : sequences) {
    auto& event = *response.add_events();
    event.set_sequence(sequence);
    if (sequence == 10) {
      event.mutable_ended()->set_outcome(wasmagent::v1::OUTCOME_SUCCEEDED);
    } else {
      event.mutable_log()->set_data("x");
    }
  }
  writer->Write(response);
}

FakeAgent::Watch Script(std::vector<uint64_t> sequences, grpc::Status end) {
  return [=](const WatchBuildRequest&, Writer* writer, grpc::ServerContext*) {
    Send(writer, sequences);
    return end;
  };
}

class EventWatchTest : public ::testing::Test {
 protected:
  EventWatchTest() : agent_(folder_.path() + "/a.sock"), connection_(agent_.address()) {
    options_.tick = absl::Milliseconds(5);
    options_.longest_pause = absl::Milliseconds(20);
    options_.on_event = [this](const wasmagent::v1::BuildEvent& event) { seen_.push_back(event.sequence()); };
    options_.on_notice = [this](const WatchNotice& notice) { notices_.push_back(notice.kind); };
  }
  absl::StatusOr<WatchEnd> Watch() { return WatchBuild(connection_, "build", options_); }

  ScriptFolder folder_;
  FakeAgent agent_;
  AgentConnection connection_;
  WatchOptions options_;
  std::vector<uint64_t> seen_;
  std::vector<WatchNotice::Kind> notices_;
  const std::vector<uint64_t> all_ = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
};

// A cut connection loses nothing: whatever way the stream breaks, it is taken up after the last event, and each event
// comes once.
TEST_F(EventWatchTest, TakesACutStreamUpAgain) {
  agent_.watches = {Script({1, 2, 3}, grpc::Status(grpc::StatusCode::UNAVAILABLE, "cut")),
                    Script({4, 5}, grpc::Status(grpc::StatusCode::CANCELLED, "shutting down")),
                    Script({6}, grpc::Status(grpc::StatusCode::INTERNAL, "RST_STREAM")),
                    Script({7, 8, 9, 10}, grpc::Status::OK)};
  auto end = Watch();
  ASSERT_TRUE(end.ok()) << end.status();
  EXPECT_EQ(seen_, all_);
  EXPECT_EQ(agent_.watched_after, (std::vector<uint64_t>{0, 3, 5, 6}));
  ASSERT_TRUE(end->ended.has_value());
  EXPECT_EQ(end->ended->ended().outcome(), wasmagent::v1::OUTCOME_SUCCEEDED);
  EXPECT_EQ(notices_.size(), 6u);
}

// Without the log gaps are what is asked for.
TEST_F(EventWatchTest, WithoutTheLogThereAreGaps) {
  agent_.watches = {[](const WatchBuildRequest& request, Writer* writer, grpc::ServerContext*) {
    EXPECT_TRUE(request.without_log());
    Send(writer, {2, 5, 10});
    return grpc::Status::OK;
  }};
  options_.without_log = true;
  ASSERT_TRUE(Watch().ok());
  EXPECT_EQ(seen_, (std::vector<uint64_t>{2, 5, 10}));
}

// Repeated events are dropped; a gap is not shown but asked for again.
TEST_F(EventWatchTest, RepeatsAndGapsAreMended) {
  agent_.watches = {Script({1, 2, 2, 1, 3, 5, 6}, grpc::Status::OK),
                    Script({2, 3, 4, 5, 6, 7, 8, 9, 10}, grpc::Status::OK)};
  auto end = Watch();
  ASSERT_TRUE(end.ok()) << end.status();
  EXPECT_EQ(seen_, all_);
  EXPECT_EQ(agent_.watched_after, (std::vector<uint64_t>{0, 3}));
}

// An agent that keeps losing an event is an error after some tries, not an endless loop.
TEST_F(EventWatchTest, AGapThatStaysIsDataLoss) {
  agent_.watches = {Script({1, 3}, grpc::Status::OK)};
  auto end = Watch();
  EXPECT_EQ(end.status().code(), absl::StatusCode::kDataLoss) << end.status();
  EXPECT_EQ(seen_, (std::vector<uint64_t>{1}));
}

// An agent that was never there is an error at once; one that goes away later is waited for, for as long as was said.
TEST_F(EventWatchTest, PatientOnlyWithAnAgentThatWasThere) {
  agent_.watches = {Script({1}, grpc::Status(grpc::StatusCode::UNAVAILABLE, "cut"))};
  AgentConnection nobody({"unix:" + folder_.path() + "/none.sock", "", ""});
  EXPECT_TRUE(absl::IsUnavailable(WatchBuild(nobody, "build", options_).status()));
  EXPECT_TRUE(notices_.empty());
  options_.give_up_after = absl::Milliseconds(200);
  auto end = Watch();
  EXPECT_TRUE(absl::IsUnavailable(end.status())) << end.status();
  EXPECT_NE(std::string(end.status().message()).find("wasmctl watch build"), std::string::npos) << end.status();
  EXPECT_EQ(notices_, (std::vector<WatchNotice::Kind>{WatchNotice::Kind::kLost}));
}

// Ticks go on while the agent is silent, and stopping does not wait for it; a later watch goes on where this one
// stopped.
TEST_F(EventWatchTest, TicksAndStopsWhileNothingComes) {
  agent_.watches = {[](const WatchBuildRequest&, Writer* writer, grpc::ServerContext* context) {
    Send(writer, {1, 2});
    while (!context->IsCancelled()) std::this_thread::yield();
    return grpc::Status::CANCELLED;
  }};
  int ticks = 0;
  options_.on_tick = [&] { ++ticks; };
  options_.stop = [&] { return ticks >= 3 && seen_.size() == 2; };
  auto end = Watch();
  ASSERT_TRUE(end.ok()) << end.status();
  EXPECT_FALSE(end->ended.has_value());
  EXPECT_EQ(end->last_sequence, 2u);
}

// An error that will not pass is told at once.
TEST_F(EventWatchTest, UnknownBuildIsAnError) {
  agent_.watches = {Script({}, grpc::Status(grpc::StatusCode::NOT_FOUND, "no such build"))};
  EXPECT_TRUE(absl::IsNotFound(Watch().status()));
  EXPECT_EQ(agent_.watched_after.size(), 1u);
}

}  // namespace
}  // namespace wasmagent::client
