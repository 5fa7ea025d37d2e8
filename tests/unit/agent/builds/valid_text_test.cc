#include "agent/builds/valid_text.h"

#include "gtest/gtest.h"
#include "wasmagent/v1/build_event.pb.h"

namespace wasmagent::builds {
namespace {

constexpr char kMark[] = "\xef\xbf\xbd";

// Strings anywhere in a message become readable: alone, in lists, in maps, in messages below.
TEST(ValidText, ReachesEveryString) {
  wasmagent::v1::Build build;
  build.mutable_cause()->set_summary("\xff");
  build.mutable_request()->add_targets("good");
  build.mutable_request()->add_targets("\xff");
  (*build.add_artifacts()->mutable_runner()->mutable_env())["\xfe"] = "\xff";
  MakeTextValid(build);
  EXPECT_EQ(build.cause().summary(), kMark);
  EXPECT_EQ(build.request().targets(0), "good");
  EXPECT_EQ(build.request().targets(1), kMark);
  EXPECT_EQ(build.artifacts(0).runner().env().at(kMark), kMark);
  wasmagent::v1::Build again;
  EXPECT_TRUE(again.ParseFromString(build.SerializeAsString()));
}

// The log's bytes, and text that is valid, stay as they are.
TEST(ValidText, LeavesBytesAlone) {
  wasmagent::v1::BuildEvent event;
  event.mutable_log()->set_data("\xff\xfe");
  MakeTextValid(event);
  EXPECT_EQ(event.log().data(), "\xff\xfe");
  event.mutable_notice()->set_text(
      "Gr\xc3\xb6\xc3\x9f"
      "e");
  MakeTextValid(event);
  EXPECT_EQ(event.notice().text(),
            "Gr\xc3\xb6\xc3\x9f"
            "e");
}

}  // namespace
}  // namespace wasmagent::builds
