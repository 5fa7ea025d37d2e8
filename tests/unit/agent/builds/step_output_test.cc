#include "agent/builds/step_output.h"

#include "gmock/gmock.h"
#include "tests/unit/agent/builds/live_build_fixture.h"

namespace wasmagent::builds {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class StepOutputTest : public LiveBuildFixture {
 protected:
  StepOutput Output(const std::string& directory) { return StepOutput(*build_, log_, 3, "/w/src", directory, "wasi"); }
  std::vector<wasmagent::v1::Diagnostic> Diagnostics() {
    std::vector<wasmagent::v1::Diagnostic> found;
    for (const auto& event : Events()) {
      if (event.has_diagnostic()) found.push_back(event.diagnostic());
    }
    return found;
  }
  std::vector<std::string> Files() {
    std::vector<std::string> files;
    for (const auto& diagnostic : Diagnostics()) files.push_back(diagnostic.file());
    return files;
  }

  LogRecorder log_{*build_, 1 << 30, 100};
};

// Bytes go to the log as they are; a message in them, however it is cut, becomes an event behind its bytes.
TEST_F(StepOutputTest, BytesAreLoggedAndMessagesRecognised) {
  StepOutput output = Output("build");
  ASSERT_TRUE(output.Take("a.c:7:3: err").ok());
  EXPECT_THAT(Diagnostics(), IsEmpty());
  ASSERT_TRUE(output.Take("or: no such thing\nrest").ok());
  ASSERT_TRUE(output.Finish().ok());
  std::string log;
  for (const auto& event : Events()) {
    log += event.log().data();
    if (event.has_diagnostic()) {
      EXPECT_EQ(log, "a.c:7:3: error: no such thing\nrest");
    }
  }
  EXPECT_EQ(log, "a.c:7:3: error: no such thing\nrest");
  ASSERT_EQ(Diagnostics().size(), 1U);
  wasmagent::v1::Diagnostic found = Diagnostics()[0];
  EXPECT_EQ(found.step(), 3U);
  EXPECT_EQ(found.line(), 7U);
  EXPECT_EQ(found.column(), 3U);
  EXPECT_EQ(found.severity(), wasmagent::v1::SEVERITY_ERROR);
  EXPECT_EQ(found.text(), "no such thing");
  EXPECT_EQ(output.diagnostics().errors(), 1U);
}

// Beside other steps a line is logged whole, however it was cut; the last one needs no end, an endless one does not
// wait.
TEST_F(StepOutputTest, LinesStayWholeBesideOthers) {
  StepOutput output(*build_, log_, 3, "/w/src", ".", "native", /*whole_lines=*/true);
  auto logged = [this] {
    std::string log;
    for (const auto& event : Events()) log += event.log().data();
    return log;
  };
  ASSERT_TRUE(output.Take("checking for cc... ").ok());
  EXPECT_EQ(logged(), "");
  ASSERT_TRUE(output.Take("yes\nchecking for ld... ").ok());
  EXPECT_EQ(logged(), "checking for cc... yes\n");
  ASSERT_TRUE(output.Take("no\n").ok());
  ASSERT_TRUE(output.Take("end").ok());
  ASSERT_TRUE(output.Finish().ok());
  EXPECT_EQ(logged(), "checking for cc... yes\nchecking for ld... no\nend");
  ASSERT_TRUE(output.Take(std::string(70'000, 'x')).ok());
  EXPECT_EQ(logged().size(), 48u + 70'000u);
}

// What was compiled is counted, and what the target cannot do is noticed, in lines that come in pieces.
TEST_F(StepOutputTest, LinesAreCountedAndSearched) {
  StepOutput output = Output(".");
  for (const char* piece : {"cc -c -o a.o a.c\ncc -c -o", " b.o b.c\nRuntimeError: memory acc", "ess out of bounds"})
    ASSERT_TRUE(output.Take(piece).ok());
  EXPECT_EQ(output.count().compiled(), 2U);
  EXPECT_FALSE(output.signs().limitation().has_value());
  ASSERT_TRUE(output.Finish().ok());
  EXPECT_TRUE(output.signs().limitation().has_value());
}

// A last line without an end counts when the step ends.
TEST_F(StepOutputTest, TheLastLineNeedsNoEnd) {
  StepOutput output = Output(".");
  ASSERT_TRUE(output.Take("a.c:7:3: warning: odd").ok());
  ASSERT_TRUE(output.Finish().ok());
  ASSERT_EQ(Diagnostics().size(), 1U);
  EXPECT_EQ(Diagnostics()[0].severity(), wasmagent::v1::SEVERITY_WARNING);
}

// Files are named as in the checkout, from wherever the step ran; what lies outside keeps its name.
TEST_F(StepOutputTest, FilesAreNamedAsInTheCheckout) {
  StepOutput output = Output("builddir/wasi");
  for (const char* file : {"../../Objects/a.c", "gen.c", "./gen.c", "/w/src/Lib/b.c", "/usr/include/c.h",
                           "../../../outside.c", "/w/srcs/d.c"}) {
    ASSERT_TRUE(output.Take(std::string(file) + ":1:1: error: x\n").ok());
  }
  ASSERT_TRUE(output.Take("wasm-ld: error: undefined symbol: f\n").ok());
  EXPECT_THAT(Files(), ElementsAre("Objects/a.c", "builddir/wasi/gen.c", "builddir/wasi/gen.c", "Lib/b.c",
                                   "/usr/include/c.h", "../../../outside.c", "/w/srcs/d.c", ""));
  StepOutput in_tree = Output(".");
  ASSERT_TRUE(in_tree.Take("d/a.c:1:1: error: x\n").ok());
  EXPECT_EQ(Files().back(), "d/a.c");
}

// Messages without number are bounded as events, not in the log.
TEST_F(StepOutputTest, MessagesAreBounded) {
  StepOutput output = Output(".");
  std::string text;
  for (int i = 0; i < 1500; ++i) text += "a.c:1:1: warning: w\n";
  ASSERT_TRUE(output.Take(text).ok());
  ASSERT_TRUE(output.Finish().ok());
  EXPECT_EQ(Diagnostics().size(), 1000U);
  EXPECT_EQ(output.diagnostics().warnings(), 1500U);
  EXPECT_EQ(build_->journal().log_offset(), text.size());
}

// The last 4 KiB are kept for an explanation, in whatever pieces they came.
TEST_F(StepOutputTest, KeepsTheEnd) {
  StepOutput output = Output(".");
  std::string text;
  for (int i = 0; i < 3000; ++i) text += static_cast<char>('a' + i % 26);
  ASSERT_TRUE(output.Take(text).ok());
  EXPECT_EQ(output.tail(), text);
  ASSERT_TRUE(output.Take(text).ok());
  EXPECT_EQ(output.tail(), (text + text).substr(2 * text.size() - 4096));
  ASSERT_TRUE(output.Take(std::string(10'000, 'x')).ok());
  EXPECT_EQ(output.tail(), std::string(4096, 'x'));
}

// A journal that takes no more ends the step with the error.
TEST_F(StepOutputTest, AFullDiskIsAnError) {
  auto build = MakeBuild("/dev/full");
  LogRecorder log(*build, 100, 100);
  StepOutput output(*build, log, 0, "/w/src", ".", "wasi");
  EXPECT_EQ(output.Take("text\n").code(), absl::StatusCode::kResourceExhausted);
}

}  // namespace
}  // namespace wasmagent::builds
