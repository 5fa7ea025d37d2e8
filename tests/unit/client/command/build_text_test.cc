#include "client/command/build_text.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace wasmagent::client {
namespace {

// A build is queued, runs, or has the name of its outcome.
TEST(BuildText, StateIsOneWord) {
  wasmagent::v1::Build build;
  build.set_state(wasmagent::v1::BUILD_STATE_QUEUED);
  EXPECT_EQ(StateOf(build), "queued");
  build.set_state(wasmagent::v1::BUILD_STATE_RUNNING);
  EXPECT_EQ(StateOf(build), "running");
  build.set_state(wasmagent::v1::BUILD_STATE_ENDED);
  build.set_outcome(wasmagent::v1::OUTCOME_TIMED_OUT);
  EXPECT_EQ(StateOf(build), "timed out");
}

// The time is that of the run: none before it, still growing while it lasts.
TEST(BuildText, TookIsTheTimeOfTheRun) {
  wasmagent::v1::Build build;
  build.mutable_create_time()->set_seconds(100);
  EXPECT_EQ(TookOf(build), "-");
  build.mutable_start_time()->set_seconds(1000);
  EXPECT_THAT(TookOf(build), ::testing::HasSubstr(" min ")) << "it runs since 1970";
  build.mutable_end_time()->set_seconds(1003);
  build.mutable_end_time()->set_nanos(500'000'000);
  EXPECT_EQ(TookOf(build), "3.5 s");
  EXPECT_EQ(TimeOf(build.end_time()), absl::FromUnixMillis(1'003'500));
}

// Targets are shown in the order in which they were asked for.
TEST(BuildText, TargetsHaveCommas) {
  wasmagent::v1::Build build;
  EXPECT_EQ(TargetsOf(build), "");
  build.mutable_request()->add_targets("wasi");
  EXPECT_EQ(TargetsOf(build), "wasi");
  build.mutable_request()->add_targets("build");
  EXPECT_EQ(TargetsOf(build), "wasi,build");
}

}  // namespace
}  // namespace wasmagent::client
