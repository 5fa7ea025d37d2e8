#include "client/view/plain_view.h"

#include "gtest/gtest.h"
#include "tests/unit/client/view/captured_stream.h"

namespace wasmagent::client {
namespace {

// Steps are framed by lines, the log between them is untouched, and a line that the log left open is closed first.
TEST(PlainView, FramesTheLog) {
  CapturedStream out;
  PlainView view(out.get());
  wasmagent::v1::BuildEvent event;
  event.mutable_step_started()->set_target("wasi");
  event.mutable_step_started()->set_name("make");
  view.Event(event);
  event.mutable_log()->set_data("a\x1b[1m\nb");
  view.Event(event);
  event.mutable_step_ended()->set_exit_code(2);
  event.mutable_step_ended()->mutable_wall_time()->set_seconds(3);
  view.Event(event);
  EXPECT_EQ(out.text(), "wasi/make: started\na\x1b[1m\nb\nwasi/make: failed with exit code 2 after 3.0 s\n");
}

// What was different in the sources is one line.
TEST(PlainView, TellsWhatWasSynced) {
  CapturedStream out;
  PlainView view(out.get());
  wasmagent::v1::BuildEvent event;
  event.mutable_synced()->set_warm(true);
  event.mutable_synced()->set_changed(1);
  event.mutable_synced()->add_changed_paths("a.c");
  view.Event(event);
  EXPECT_EQ(out.text(), "sources: 1 changed: a.c\n");
}

// Bytes that a log's limit left out are told where they would stand.
TEST(PlainView, TellsWhatIsLeftOut) {
  CapturedStream out;
  PlainView view(out.get());
  wasmagent::v1::BuildEvent event;
  event.mutable_log()->set_data("tail\n");
  event.mutable_log()->set_omitted_before(7);
  view.Event(event);
  EXPECT_EQ(out.text(), "[7 bytes of the log are left out]\ntail\n");
}

}  // namespace
}  // namespace wasmagent::client
