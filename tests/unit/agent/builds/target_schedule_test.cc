#include "agent/builds/target_schedule.h"

#include <gtest/gtest.h>

#include <set>

namespace wasmagent::builds {
namespace {

using pipeline::Plan;
using pipeline::PlannedTarget;

PlannedTarget Target(const std::string& name, int jobs, std::vector<std::string> needs = {}, std::string folder = "") {
  PlannedTarget target;
  target.name = name;
  target.jobs = jobs;
  target.needs = std::move(needs);
  target.build_directory = folder.empty() ? "builddir/" + name : std::move(folder);
  return target;
}

// All that may start now, by name.
std::set<std::string> TakeAll(TargetSchedule& schedule, const Plan& plan) {
  std::set<std::string> names;
  while (auto next = schedule.Take()) names.insert(plan.targets[*next].name);
  return names;
}

bool NoSources(const PlannedTarget&) { return false; }

// Rule: a target starts when what it needs was built, and never when that failed.
TEST(TargetScheduleTest, NeedsComeFirst) {
  const Plan plan{{Target("build", 2), Target("wasi", 1, {"build"}), Target("node", 1, {"build"})}, {}};
  TargetSchedule schedule(plan, 2, NoSources);
  EXPECT_EQ(TakeAll(schedule, plan), std::set<std::string>{"build"});
  schedule.End(0, true);
  EXPECT_EQ(TakeAll(schedule, plan), (std::set<std::string>{"wasi", "node"}));
  TargetSchedule failing(plan, 2, NoSources);
  EXPECT_EQ(failing.Take(), std::optional<size_t>(0));
  failing.End(0, false);
  EXPECT_EQ(TakeAll(failing, plan), std::set<std::string>{});
}

// Rule: together they stay within the build's jobs; one that wants more runs alone.
TEST(TargetScheduleTest, JobsAreNotExceeded) {
  const Plan plan{{Target("a", 1), Target("b", 1), Target("c", 1), Target("huge", 9)}, {}};
  TargetSchedule schedule(plan, 2, NoSources);
  EXPECT_EQ(TakeAll(schedule, plan), (std::set<std::string>{"a", "b"}));
  schedule.End(0, true);
  EXPECT_EQ(TakeAll(schedule, plan), std::set<std::string>{"c"});
  schedule.End(1, true);
  EXPECT_EQ(TakeAll(schedule, plan), std::set<std::string>{});
  schedule.End(2, true);
  EXPECT_EQ(TakeAll(schedule, plan), std::set<std::string>{"huge"});
}

// Rule: no two in build dirs that overlap, and nobody beside one that builds among the sources.
TEST(TargetScheduleTest, BuildDirsAreNotShared) {
  const Plan plan{{Target("one", 1, {}, "out"), Target("two", 1, {}, "out"), Target("below", 1, {}, "out/x"),
                   Target("other", 1, {}, "outside"), Target("tree", 1, {}, "lib")},
                  {}};
  TargetSchedule schedule(plan, 9, [](const PlannedTarget& target) { return target.name == "tree"; });
  EXPECT_EQ(TakeAll(schedule, plan), (std::set<std::string>{"one", "other"}));
  schedule.End(0, true);
  EXPECT_EQ(TakeAll(schedule, plan), std::set<std::string>{"two"});
  schedule.End(1, true);
  EXPECT_EQ(TakeAll(schedule, plan), std::set<std::string>{"below"});
  schedule.End(2, true);
  schedule.End(3, true);
  EXPECT_EQ(TakeAll(schedule, plan), std::set<std::string>{"tree"});
}

}  // namespace
}  // namespace wasmagent::builds
