#include "agent/builds/test_results.h"

#include "gmock/gmock.h"
#include "tests/unit/agent/workspace/store_fixture.h"

namespace wasmagent::builds {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr char kReport[] =
    "<testsuite><testcase classname='m' name='good'/><testcase classname='m' "
    "name='bad'><failure>a\nb</failure></testcase>"
    "<testcase classname='m' name='worse'><error message='c'/></testcase></testsuite>";

class TestResultsTest : public wasmagent::testing::StoreFixture {
 protected:
  absl::StatusOr<std::optional<KeptTestResults>> Keep(const std::string& text) {
    EXPECT_TRUE(platform::WriteFileAtomically(path_, text, 0600, false).ok());
    return KeepTestResults(path_, "app", *store_);
  }
  const std::string path_ = scratch_ + "/results.xml";
};

// The report is stored as it is, and stays while its lease is held; what it says is counted.
TEST_F(TestResultsTest, StoresAndCounts) {
  auto kept = Keep(kReport);
  ASSERT_TRUE(kept.ok()) << kept.status();
  ASSERT_TRUE(kept->has_value());
  const auto& message = (*kept)->message;
  EXPECT_EQ(message.target(), "app");
  EXPECT_EQ(message.tests(), 3u);
  EXPECT_EQ(message.failed(), 2u);
  EXPECT_THAT(message.failures(), ElementsAre("m.bad", "m.worse"));
  EXPECT_EQ(message.summary(), "2 of 3 tests failed, in 0");
  EXPECT_EQ(store_->Read(content::Digest::FromProto(message.report()).value()).value(), kReport);
}

// None is no error; one that cannot be read is told apart from the agent's own troubles.
TEST_F(TestResultsTest, NoReportAndABadOne) {
  EXPECT_FALSE(KeepTestResults(path_, "app", *store_).value().has_value());
  EXPECT_TRUE(absl::IsInvalidArgument(Keep("oops").status()));
  ASSERT_EQ(::unlink(path_.c_str()), 0);
  ASSERT_EQ(::symlink("/etc/passwd", path_.c_str()), 0);
  EXPECT_TRUE(absl::IsInvalidArgument(KeepTestResults(path_, "app", *store_).status()));
}

// The first failed test is what the user reads first.
TEST_F(TestResultsTest, AFailedTestIsTheCause) {
  const auto report = pipeline::ReadTestReport(kReport).value();
  Ending failed{wasmagent::v1::OUTCOME_FAILED, CauseOf("app: test: exit code 2", "look"), true};
  ExplainByTests(report, failed);
  EXPECT_THAT(failed.cause->summary(), StartsWith("m.bad failed and 1 more (2 of 3 tests failed"));
  EXPECT_THAT(failed.cause->excerpt(), HasSubstr("a\nb"));
  Ending cancelled{wasmagent::v1::OUTCOME_CANCELLED, CauseOf("cancelled"), true};
  ExplainByTests(report, cancelled);
  EXPECT_EQ(cancelled.cause->summary(), "cancelled");
  Ending crashed{wasmagent::v1::OUTCOME_FAILED, CauseOf("app: test: exit code 2"), true};
  ExplainByTests(pipeline::ReadTestReport("<testsuite><testcase/></testsuite>").value(), crashed);
  EXPECT_EQ(crashed.cause->summary(), "app: test: exit code 2");
}

}  // namespace
}  // namespace wasmagent::builds
