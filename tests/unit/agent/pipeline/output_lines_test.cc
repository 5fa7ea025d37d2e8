#include "agent/pipeline/output_lines.h"

#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace wasmagent::pipeline {
namespace {

using testing::ElementsAre;
using testing::SizeIs;

// Lines are the same however the output is cut, the last one without an end among them.
TEST(OutputLines, CutsDoNotMatter) {
  constexpr std::string_view kText = "one\n\n\x1b[31mtwo\x1b[0m\r\nlast";
  for (size_t step : {1, 2, 5, 100}) {
    OutputLines lines;
    std::vector<std::string> found;
    auto take = [&](std::string_view line) { found.emplace_back(line); };
    for (size_t at = 0; at < kText.size(); at += step) lines.Feed(kText.substr(at, step), take);
    lines.Finish(take);
    EXPECT_THAT(found, ElementsAre("one", "", "two", "last")) << step;
  }
}

// A line without end costs bounded memory, and hides no line after it.
TEST(OutputLines, LongLinesAreBounded) {
  OutputLines lines;
  std::vector<std::string> found;
  auto take = [&](std::string_view line) { found.emplace_back(line); };
  const std::string megabyte(1 << 20, 'x');
  for (int i = 0; i < 8; ++i) lines.Feed(megabyte, take);
  EXPECT_THAT(found, SizeIs(0));
  lines.Feed("\nnext\n", take);
  EXPECT_THAT(found, ElementsAre(std::string(4096, 'x'), "next"));
}

// A progress line that is overwritten shows what a terminal would show.
TEST(PlainLine, ShowsWhatATerminalShows) {
  EXPECT_EQ(PlainLine("10%\r20%\ra.c:1:2: error: x\r"), "a.c:1:2: error: x");
  EXPECT_EQ(PlainLine("\x1b]8;;http://x\x1b\\link\x1b]8;;\a!"), "link!");
  EXPECT_EQ(PlainLine("cut \x1b["), "cut ");
  EXPECT_EQ(PlainLine("cut \x1b"), "cut ");
}

}  // namespace
}  // namespace wasmagent::pipeline
