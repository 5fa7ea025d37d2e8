#include "client/view/json_view.h"

#include "google/protobuf/util/json_util.h"
#include "gtest/gtest.h"
#include "tests/unit/client/view/captured_stream.h"

namespace wasmagent::client {
namespace {

// One event a line, and each line is read back as the same event, log bytes of any kind included; notes stay off
// stdout.
TEST(JsonView, LinesAreEvents) {
  CapturedStream out;
  CapturedStream errors;
  JsonView view(out.get(), errors.get());
  wasmagent::v1::BuildEvent event;
  event.set_sequence(7);
  event.mutable_log()->set_data(std::string("\0\xff\n", 3));
  view.Note("a note");
  view.Event(event);
  std::string line = out.text();
  ASSERT_EQ(line.find('\n'), line.size() - 1);
  wasmagent::v1::BuildEvent again;
  ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(line, &again).ok());
  EXPECT_EQ(again.SerializeAsString(), event.SerializeAsString());
  EXPECT_EQ(errors.text(), "wasmctl: a note\n");
}

}  // namespace
}  // namespace wasmagent::client
