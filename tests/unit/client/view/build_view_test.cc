#include "client/view/build_view.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace wasmagent::client {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// Times and sizes read well at every scale.
TEST(BuildView, Formats) {
  EXPECT_EQ(FormatElapsed(absl::Milliseconds(3210)), "3.2 s");
  EXPECT_EQ(FormatElapsed(absl::Seconds(245)), "4 min 05 s");
  EXPECT_EQ(FormatBytes(999), "999 B");
  EXPECT_EQ(FormatBytes(95'700'000), "95.7 MB");
}

// One thing is one thing, and none are several.
TEST(BuildView, CountsInWords) {
  EXPECT_EQ(Count(0, "file"), "0 files");
  EXPECT_EQ(Count(1, "file"), "1 file");
  EXPECT_EQ(Count(1200, "file"), "1200 files");
}

// A step says what it cost, and what the compiler cache spared it, where there was something to spare.
TEST(BuildView, StepEndTellsTheCompilerCachesPart) {
  wasmagent::v1::StepEnded ended;
  ended.mutable_wall_time()->set_seconds(3);
  EXPECT_EQ(DescribeStepEnd(ended), "done in 3.0 s");
  ended.set_compiler_cache_hits(370);
  ended.set_compiler_cache_misses(30);
  ended.set_reason("the first build here");
  EXPECT_EQ(DescribeStepEnd(ended), "done in 3.0 s, ccache served 370 of 400 (the first build here)");
}

// What a program prints cannot steer the terminal.
TEST(BuildView, PrintableDropsEscapes) {
  EXPECT_EQ(Printable("\x1b[31mred\x1b[0m\a\tx"), "red  x");
  EXPECT_EQ(Printable("\x1b]0;title"), "]0;title");
  EXPECT_EQ(Printable("\x1b["), "");
}

// Guarantee 9: the end of a failed build says the cause first, then the evidence, the advice and the next command.
TEST(BuildView, EndTellsTheCauseFirst) {
  wasmagent::v1::Ended ended;
  ended.set_outcome(wasmagent::v1::OUTCOME_FAILED);
  ended.mutable_cause()->set_summary("make failed in wasi");
  ended.mutable_cause()->set_excerpt("a.c:1: error: x\nline 2");
  ended.mutable_cause()->set_advice("fix a.c");
  std::string text = DescribeEnd("0123456789", ended);
  EXPECT_TRUE(text.starts_with("failed: make failed in wasi\n  | a.c:1: error: x\n  | line 2\n  advice: fix a.c\n"));
  EXPECT_THAT(text, HasSubstr("wasmctl logs 01234567"));
}

// What the agent has kept of a failure is told with the command that brings it.
TEST(BuildView, EndTellsOfTheEvidence) {
  wasmagent::v1::Ended ended;
  ended.set_outcome(wasmagent::v1::OUTCOME_FAILED);
  EXPECT_THAT(DescribeEnd("0123456789", ended), Not(HasSubstr("--evidence")));
  wasmagent::v1::EvidenceFile file;
  file.set_path("config.log");
  EXPECT_THAT(DescribeEnd("0123456789", ended, {file}),
              HasSubstr("  config.log as a whole: wasmctl fetch 01234567 --evidence\n"));
}

// A step says how much it did, where its output shows it.
TEST(BuildView, StepsSayHowMuchTheyDid) {
  wasmagent::v1::StepEnded ended;
  ended.mutable_wall_time()->set_seconds(3);
  EXPECT_EQ(DescribeStepEnd(ended), "done in 3.0 s");
  ended.set_compiled(12);
  ended.set_linked(1);
  EXPECT_EQ(DescribeStepEnd(ended), "done in 3.0 s, 12 compiled, 1 linked");
  ended.set_reason("the build dir is new");
  EXPECT_EQ(DescribeStepEnd(ended), "done in 3.0 s, 12 compiled, 1 linked (the build dir is new)");
}

// What was different in the sources, short.
TEST(BuildView, SyncedInOneLine) {
  wasmagent::v1::Synced synced;
  synced.set_files(5);
  synced.set_added(5);
  synced.set_reason("there was none");
  EXPECT_EQ(DescribeSynced(synced), "5 files in a new workspace: there was none");
  synced.Clear();
  synced.set_warm(true);
  EXPECT_EQ(DescribeSynced(synced), "no source file changed");
  synced.set_changed(2);
  synced.add_changed_paths("a.c");
  synced.add_changed_paths("b\x1b[1m.c");
  synced.set_removed(1);
  synced.add_removed_paths("c.c");
  EXPECT_EQ(DescribeSynced(synced), "sources: 2 changed, 1 removed: a.c, b.c, c.c");
  synced.set_restored(1);
  EXPECT_EQ(DescribeSynced(synced), "sources: 2 changed, 1 removed, 1 restored: a.c, b.c, c.c, …");
}

}  // namespace
}  // namespace wasmagent::client
