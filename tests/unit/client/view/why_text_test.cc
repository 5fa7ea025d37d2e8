#include "client/view/why_text.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace wasmagent::client {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using wasmagent::v1::BuildEvent;
using wasmagent::v1::BuildReport;

class WhyTextTest : public ::testing::Test {
 protected:
  WhyTextTest() {
    report_.mutable_build()->mutable_request()->set_build_id("0123456789");
    report_.mutable_build()->set_state(wasmagent::v1::BUILD_STATE_ENDED);
    report_.mutable_build()->set_outcome(wasmagent::v1::OUTCOME_SUCCEEDED);
  }
  void Started(bool warm, uint32_t attempt = 1) {
    BuildEvent event;
    event.mutable_started()->set_warm(warm);
    event.mutable_started()->set_workspace("ws-1");
    event.mutable_started()->set_attempt(attempt);
    AddToReport(event, report_);
  }
  wasmagent::v1::Synced& Synced() { return *synced_.mutable_synced(); }
  void Step(uint32_t number, const std::string& name, const wasmagent::v1::StepEnded& ended) {
    BuildEvent event;
    event.mutable_step_started()->set_step(number);
    event.mutable_step_started()->set_target("wasi");
    event.mutable_step_started()->set_name(name);
    AddToReport(event, report_);
    *event.mutable_step_ended() = ended;
    event.mutable_step_ended()->set_step(number);
    AddToReport(event, report_);
  }
  std::string Text() {
    if (synced_.has_synced()) AddToReport(synced_, report_);
    return WhyText(report_);
  }

  BuildReport report_;
  BuildEvent synced_;
};

// A warm build: what changed, what was skipped, what was compiled.
TEST_F(WhyTextTest, AWarmBuild) {
  Started(true);
  Synced().set_warm(true);
  Synced().set_files(5);
  Synced().set_changed(2);
  Synced().add_changed_paths("a.h");
  Synced().set_removed(1);
  Synced().add_removed_paths("old.c");
  AddToReport(synced_, report_);
  wasmagent::v1::StepEnded configure;
  configure.set_skipped(true);
  configure.set_reason("configured already with the same inputs");
  Step(0, "configure", configure);
  wasmagent::v1::StepEnded make;
  make.mutable_wall_time()->set_seconds(2);
  make.set_compiled(3);
  make.set_linked(1);
  make.set_peak_memory_bytes(95'700'000);
  Step(1, "make", make);
  EXPECT_EQ(WhyText(report_),
            "build 01234567 succeeded\n"
            "workspace  ws-1, warm: an earlier build of the checkout left it\n"
            "sources    5 files: 2 changed, 0 added, 1 removed\n"
            "  changed  a.h\n"
            "  changed  1 more\n"
            "  removed  old.c\n"
            "steps\n"
            "  wasi/configure  skipped: configured already with the same inputs\n"
            "  wasi/make       done in 2.0 s, 3 compiled, 1 linked; largest process 95.7 MB\n");
}

// A cold one says why it is cold, and why configure ran.
TEST_F(WhyTextTest, AColdBuild) {
  Started(false);
  Synced().set_reason("there was none");
  Synced().set_files(5);
  Synced().set_added(5);
  wasmagent::v1::StepEnded configure;
  configure.set_reason("the build dir is new");
  Step(0, "configure", configure);
  EXPECT_THAT(Text(), HasSubstr("workspace  ws-1, new: there was none\nsources    5 files, all of them new there\n"));
  EXPECT_THAT(Text(), HasSubstr("(the build dir is new); nothing compiled, as far as its output shows\n"));
}

// Without a change nothing is listed.
TEST_F(WhyTextTest, NoChange) {
  Started(true);
  Synced().set_warm(true);
  Synced().set_files(1);
  EXPECT_THAT(Text(), HasSubstr("sources    1 file, none of them changed\n"));
}

// Of a build that ran again only the last attempt counts, and why it ran again is said.
TEST_F(WhyTextTest, TheLastAttemptCounts) {
  Started(true);
  Step(0, "first", {});
  BuildEvent notice;
  notice.mutable_notice()->set_text("the agent was restarted");
  AddToReport(notice, report_);
  Started(false, 2);
  Step(0, "second", {});
  EXPECT_THAT(Text(), HasSubstr("notice     the agent was restarted\n"));
  EXPECT_THAT(Text(), HasSubstr("wasi/second"));
  EXPECT_THAT(Text(), Not(HasSubstr("wasi/first")));
}

// A failed one begins as its end did.
TEST_F(WhyTextTest, AFailedBuildTellsItsCauseAgain) {
  auto& build = *report_.mutable_build();
  build.set_outcome(wasmagent::v1::OUTCOME_FAILED);
  build.mutable_cause()->set_summary("wasi: configure: no zlib");
  build.add_evidence()->set_path("config.log");
  EXPECT_THAT(Text(), StartsWith("failed: wasi: configure: no zlib\n  config.log as a whole: wasmctl fetch 01234567 "
                                 "--evidence\n  the whole log: wasmctl logs 01234567\n"));
}

// One that has not ended says so.
TEST_F(WhyTextTest, ABuildThatRuns) {
  report_.mutable_build()->set_state(wasmagent::v1::BUILD_STATE_RUNNING);
  Started(true);
  BuildEvent event;
  event.mutable_step_started()->set_target("wasi");
  event.mutable_step_started()->set_name("make");
  AddToReport(event, report_);
  EXPECT_THAT(Text(), StartsWith("build 01234567 is running"));
  EXPECT_THAT(Text(), HasSubstr("wasi/make  has not ended\n"));
}

}  // namespace
}  // namespace wasmagent::client
