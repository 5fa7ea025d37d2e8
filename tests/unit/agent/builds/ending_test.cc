#include "agent/builds/ending.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "platform/status.h"

namespace wasmagent::builds {
namespace {

using ::testing::HasSubstr;

// Rule: what is missing or wrong in the build is its failure; what the agent could not do is an interruption.
TEST(EndingTest, TellsFailuresFromInterruptions) {
  EXPECT_EQ(EndingOf(absl::NotFoundError("no such target")).outcome, wasmagent::v1::OUTCOME_FAILED);
  EXPECT_EQ(EndingOf(absl::FailedPreconditionError("no SDK")).outcome, wasmagent::v1::OUTCOME_FAILED);
  const Ending broken = EndingOf(absl::InternalError("a bug"));
  EXPECT_EQ(broken.outcome, wasmagent::v1::OUTCOME_INTERRUPTED);
  EXPECT_EQ(broken.cause->summary(), "a bug");
  EXPECT_THAT(broken.cause->advice(), HasSubstr("Submitting again is safe"));
  EXPECT_FALSE(broken.keep_workspace);
}

// Rule: a full disk is told with what mends it; too many open files are no full disk.
TEST(EndingTest, AFullDiskHasItsAdvice) {
  EXPECT_THAT(EndingOf(platform::ErrnoStatus(ENOSPC, "write")).cause->advice(), HasSubstr("Free space"));
  EXPECT_THAT(EndingOf(platform::ErrnoStatus(EMFILE, "open")).cause->advice(), HasSubstr("Submitting again"));
  EXPECT_THAT(EndingOf(platform::ErrnoStatus(ENOMEM, "fork")).cause->advice(), HasSubstr("Submitting again"));
}

}  // namespace
}  // namespace wasmagent::builds
