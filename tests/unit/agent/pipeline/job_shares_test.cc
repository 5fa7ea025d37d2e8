#include "agent/pipeline/job_shares.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace wasmagent::pipeline {
namespace {

using ::testing::ElementsAre;

TargetTemplate Target(const std::string& name, std::vector<std::string> needs = {}, const std::string& folder = "") {
  TargetTemplate target;
  target.name = name;
  target.needs = std::move(needs);
  target.build_directory = folder.empty() ? "builddir/" + name : folder;
  return target;
}

std::vector<int> Shares(const std::vector<TargetTemplate>& targets, int jobs) {
  std::vector<const TargetTemplate*> pointers;
  for (const TargetTemplate& target : targets) pointers.push_back(&target);
  return ShareJobs(pointers, jobs);
}

TEST(JobShares, BuildDirectoriesOverlap) {
  EXPECT_TRUE(BuildDirectoriesOverlap("out", "out"));
  EXPECT_TRUE(BuildDirectoriesOverlap("out/x", "out"));
  EXPECT_TRUE(BuildDirectoriesOverlap("out", "out/x"));
  EXPECT_TRUE(BuildDirectoriesOverlap(".", "out"));
  EXPECT_FALSE(BuildDirectoriesOverlap("out", "outside"));
}

// Rule: what runs alone gets all jobs; what may run side by side divides them, and each gets at least one.
TEST(JobShares, SideBySideTargetsDivideTheJobs) {
  EXPECT_THAT(Shares({Target("build"), Target("wasi", {"build"})}, 8), ElementsAre(8, 8));
  const std::vector<TargetTemplate> three = {Target("build"), Target("wasi", {"build"}), Target("node", {"build"}),
                                             Target("browser", {"build"})};
  EXPECT_THAT(Shares(three, 8), ElementsAre(8, 2, 2, 2));
  EXPECT_THAT(Shares(three, 2), ElementsAre(2, 1, 1, 1));
  EXPECT_THAT(Shares(three, 1), ElementsAre(1, 1, 1, 1));
}

// Rule: targets that build in one place run one after the other, so there is nothing to divide.
TEST(JobShares, OnePlaceDividesNothing) {
  EXPECT_THAT(Shares({Target("wasi", {}, "."), Target("native", {}, ".")}, 4), ElementsAre(4, 4));
  EXPECT_THAT(Shares({Target("a"), Target("b"), Target("tree", {}, ".")}, 4), ElementsAre(4, 4, 4));
}

}  // namespace
}  // namespace wasmagent::pipeline
