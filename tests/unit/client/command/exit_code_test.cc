#include "client/command/exit_code.h"

#include "gtest/gtest.h"

namespace wasmagent::client {
namespace {

// The codes that scripts rely on, as documented.
TEST(ExitCode, AreAsDocumented) {
  EXPECT_EQ(ExitCodeOf(wasmagent::v1::OUTCOME_SUCCEEDED), 0);
  EXPECT_EQ(ExitCodeOf(wasmagent::v1::OUTCOME_FAILED), 1);
  EXPECT_EQ(ExitCodeOf(absl::UnavailableError("")), 3);
  EXPECT_EQ(ExitCodeOf(wasmagent::v1::OUTCOME_INTERRUPTED), 3);
  EXPECT_EQ(ExitCodeOf(wasmagent::v1::OUTCOME_CANCELLED), 4);
  EXPECT_EQ(ExitCodeOf(wasmagent::v1::OUTCOME_TIMED_OUT), 5);
  EXPECT_EQ(ExitCodeOf(wasmagent::v1::OUTCOME_OUT_OF_MEMORY), 6);
  EXPECT_EQ(ExitCodeOf(absl::ResourceExhaustedError("")), 7);
  EXPECT_EQ(ExitCodeOf(absl::InvalidArgumentError("")), 7);
}

}  // namespace
}  // namespace wasmagent::client
