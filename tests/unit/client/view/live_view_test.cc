#include "client/view/live_view.h"

#include <clocale>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/client/view/captured_stream.h"

namespace wasmagent::client {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class LiveViewTest : public testing::Test {
 protected:
  // As main does it.
  LiveViewTest() { EXPECT_NE(std::setlocale(LC_CTYPE, "C.UTF-8"), nullptr); }
  ~LiveViewTest() override { std::setlocale(LC_CTYPE, "C"); }
  LiveView Make(bool color = false) {
    return LiveView(
        out_.get(), color, [this] { return width_; }, [this] { return now_; });
  }
  static wasmagent::v1::BuildEvent Started() {
    wasmagent::v1::BuildEvent event;
    event.mutable_step_started()->set_target("wasi");
    event.mutable_step_started()->set_name("make");
    return event;
  }
  static wasmagent::v1::BuildEvent Log(const std::string& data) {
    wasmagent::v1::BuildEvent event;
    event.mutable_log()->set_data(data);
    return event;
  }

  CapturedStream out_;
  int width_ = 80;
  absl::Time now_ = absl::FromUnixSeconds(1000);
};

// The last lines of a step that fails stay on the screen, without their escapes.
TEST_F(LiveViewTest, FailingStepShowsItsLastLines) {
  LiveView view = Make();
  view.Event(Started());
  view.Event(Log("first\n\x1b[31merror: x\x1b[0m\nopen"));
  wasmagent::v1::BuildEvent ended;
  ended.mutable_step_ended()->set_exit_code(1);
  view.Event(ended);
  view.Close();
  EXPECT_THAT(out_.text(), HasSubstr("  | error: x\n"));
  EXPECT_THAT(out_.text(), HasSubstr("  | open\n"));
}

// What goes on before the build, and its progress with a bar and counts.
TEST_F(LiveViewTest, ShowsTheStatusAndProgress) {
  LiveView view = Make();
  view.Status("scanning the checkout");
  EXPECT_THAT(out_.text(), HasSubstr("scanning the checkout"));
  now_ += absl::Milliseconds(100);
  wasmagent::v1::BuildEvent event;
  auto& progress = *event.mutable_progress();
  progress.set_activity("sync");
  progress.set_done(1113);
  progress.set_total(4450);
  progress.set_unit("files");
  view.Event(event);
  EXPECT_THAT(out_.text(), HasSubstr("sync [#####---------------] 1113/4450 files"));
}

// A change of the sources stays on the screen; that there was none goes without saying.
TEST_F(LiveViewTest, ShowsWhatWasSynced) {
  LiveView view = Make();
  wasmagent::v1::BuildEvent event;
  event.mutable_synced()->set_warm(true);
  view.Event(event);
  EXPECT_THAT(out_.text(), Not(HasSubstr("source")));
  event.mutable_synced()->set_removed(1);
  event.mutable_synced()->add_removed_paths("gone.c");
  view.Event(event);
  EXPECT_THAT(out_.text(), HasSubstr("> sources: 1 removed: gone.c\n"));
}

// However many events come, it is drawn ten times a second at most.
TEST_F(LiveViewTest, DrawsAtMostTenTimesASecond) {
  LiveView view = Make();
  view.Event(Started());
  size_t before = out_.text().size();
  for (int i = 0; i < 1000; ++i) view.Event(Log("line\n"));
  EXPECT_EQ(out_.text().size(), before);
  now_ += absl::Milliseconds(100);
  view.Tick();
  EXPECT_THAT(out_.text(), HasSubstr("1000 lines"));
}

// Characters that take two columns count as two, and bytes that are no text as one: a line that wraps stays on screen.
TEST_F(LiveViewTest, WideCharactersTakeTheirColumns) {
  LiveView view = Make();
  width_ = 21;
  std::string wide;
  for (int i = 0; i < 30; ++i) wide += "\u754c";
  view.Status(wide);
  EXPECT_THAT(out_.text(), HasSubstr("| " + wide.substr(0, 9 * 3) + "\n"));
  now_ += absl::Seconds(1);
  view.Status(std::string(30, '\xff'));
  EXPECT_THAT(out_.text(), HasSubstr("/ " + std::string(18, '\xff') + "\n"));
}

// No line is wider than the terminal, also after it was made narrower; characters of several bytes are not cut in two.
TEST_F(LiveViewTest, FitsTheWidth) {
  LiveView view = Make();
  view.Event(Started());
  width_ = 20;
  now_ += absl::Seconds(1);
  view.Event(
      Log("\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3"
          "\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\n"));
  std::string text = out_.text();
  std::string last = text.substr(text.rfind("\x1b[0J") + 4);
  size_t columns = 0;
  for (unsigned char c : last) {
    columns = c == '\n' ? 0 : columns + ((c & 0xC0) != 0x80 ? 1 : 0);
    EXPECT_LT(columns, 20U);
  }
  EXPECT_THAT(last, Not(HasSubstr("\xc3\n")));
}

// Without colour there is no colour.
TEST_F(LiveViewTest, NoColor) {
  LiveView view = Make(false);
  view.Event(Started());
  view.Note("n");
  EXPECT_EQ(out_.text().find("\x1b[3"), std::string::npos);
}

}  // namespace
}  // namespace wasmagent::client
