#include "client/view/build_view.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace wasmagent::client {
namespace {

using ::testing::HasSubstr;

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

}  // namespace
}  // namespace wasmagent::client
