#include "agent/pipeline/plan_target.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/agent/pipeline/folder_tree.h"

namespace wasmagent::pipeline {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class PlanTargetTest : public ::testing::Test {
 protected:
  PlanTargetTest() {
    machine_.toolchains = {{"wasi", "/sdk", "wasi-sdk 24.0", "f-wasi", true, ""},
                           {"native", "/usr/bin/cc", "cc 12", "f-native", true, ""}};
    target_.name = "t";
    target_.toolchain = "wasi";
    target_.build_directory = "out/t";
    target_.steps = {{"run", StepKind::kRun, {"true"}, {}, "."}};
  }
  absl::StatusOr<PlannedTarget> Plan(const std::vector<PlannedTarget>& planned = {}) {
    return PlanTarget(target_, planned, {machine_, base_, tree_, options_.force}, options_.jobs,
                      asked_for_ ? &options_.asked : nullptr);
  }
  // What a text becomes as an argument of a step that runs in `directory`.
  std::string Expanded(const std::string& text, const std::string& directory = ".") {
    target_.steps[0].argv = {text};
    target_.steps[0].directory = directory;
    auto plan = Plan();
    return plan.ok() ? plan->steps[0].argv[0] : std::string(plan.status().message());
  }

  ToolchainInventory machine_;
  std::map<std::string, std::string> base_ = {{"HOME", "/home/build"}};
  PlanOptions options_;
  bool asked_for_ = true;
  MapTree tree_{{{"a", "1"}}};
  TargetTemplate target_;
};

// Rule: paths are relative to where the step runs, so that a build dir can be moved with its workspace.
TEST_F(PlanTargetTest, PathsAreRelativeToTheStep) {
  EXPECT_EQ(Expanded("${src}/configure"), "../../configure");
  EXPECT_EQ(Expanded("${src}/configure", "sub"), "../../../configure");
  EXPECT_EQ(Expanded("${abs_src}/x"), std::string(kSourceRootMark) + "/x");
  EXPECT_EQ(Expanded("${build}"), "out/t");
  target_.build_directory = ".";
  EXPECT_EQ(Expanded("${src}"), ".");
  EXPECT_EQ(Plan()->steps[0].directory, ".");
}

// Rule: each variable has its value, and an unknown one is an error that names it and the target.
TEST_F(PlanTargetTest, Variables) {
  options_.jobs = 6;
  EXPECT_EQ(Expanded("-j${jobs} ${sdk} ${env:HOME}${env:UNSET}"), "-j6 /sdk /home/build");
  EXPECT_EQ(Expanded("${ccache}"), "");
  machine_.ccache = "/usr/bin/ccache";
  EXPECT_EQ(Expanded("${ccache}"), "ccache");
  EXPECT_EQ(Expanded("${nonsense}"), "target 't': unknown variable ${nonsense}");
  EXPECT_EQ(Expanded("${need:other}"), "target 't': unknown variable ${need:other}");
  EXPECT_EQ(Expanded("${hostrunner}"), "target 't' uses ${hostrunner} and has no runner");
}

// Rule: an action comes after the steps that build; its words are words of their own or parts of one; its report is new
// for each build. It does not decide how the target is configured, and is not for needs.
TEST_F(PlanTargetTest, ActionsComeAfterTheBuild) {
  const std::string key = Plan()->configure_key;
  target_.actions["test"].steps = {
      {"test", StepKind::kRun, {"run", "${args}", "OPTS=${args}", "--xml=${report}"}, {}, "."}};
  EXPECT_EQ(Plan()->steps.size(), 1u);
  options_.asked.action = "test";
  options_.asked.action_args = {"-v", "test_json"};
  auto plan = Plan();
  ASSERT_TRUE(plan.ok()) << plan.status();
  ASSERT_EQ(plan->steps.size(), 2u);
  EXPECT_EQ(plan->report, std::string(kTemporaryFolder) + "/test-results-t.xml");
  EXPECT_THAT(plan->steps[1].argv, ElementsAre("run", "-v", "test_json", "OPTS=-v test_json", "--xml=" + plan->report));
  EXPECT_EQ(plan->configure_key, key);
  asked_for_ = false;
  EXPECT_EQ(Plan()->steps.size(), 1u);
}

// Rule: an action that a target does not have is refused with those that it has, before anything is built.
TEST_F(PlanTargetTest, UnknownActionsAreRefused) {
  options_.asked.action = "tset";
  EXPECT_THAT(std::string(Plan().status().message()), HasSubstr("nothing on an agent can run what it builds"));
  target_.actions["test"] = {};
  EXPECT_THAT(std::string(Plan().status().message()), HasSubstr("did you mean 'test'?"));
  EXPECT_EQ(Plan().status().code(), absl::StatusCode::kFailedPrecondition);
}

// Rule: "configure" ends after the last configure step, and makes nothing that could be fetched or run.
TEST_F(PlanTargetTest, ConfigureOnly) {
  options_.asked.action = kConfigureAction;
  EXPECT_THAT(std::string(Plan().status().message()), HasSubstr("has no configure step"));
  target_.steps = {{"generate", StepKind::kConfigure, {"a"}, {}, "."},
                   {"configure", StepKind::kConfigure, {"b"}, {}, "."},
                   {"make", StepKind::kMake, {"c"}, {}, "."}};
  target_.artifacts = {"x"};
  auto plan = Plan();
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(plan->steps.size(), 2u);
  EXPECT_TRUE(plan->artifacts.empty());
}

// Rule: a need's build dir can be named, and what configures the need configures the target.
TEST_F(PlanTargetTest, NeedsAreKnown) {
  PlannedTarget need;
  need.name = "tool";
  need.build_directory = "out/tool";
  need.configure_key = "one";
  target_.needs = {"tool"};
  target_.steps[0].argv = {"${need:tool}/bin"};
  auto plan = Plan({need});
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_THAT(plan->steps[0].argv, ElementsAre("out/tool/bin"));
  need.configure_key = "two";
  EXPECT_NE(Plan({need})->configure_key, plan->configure_key);
}

// Rule: a step's own environment goes before the target's, which goes before the base; the request's goes before all.
TEST_F(PlanTargetTest, EnvironmentInLayers) {
  base_ = {{"A", "base"}, {"B", "base"}, {"C", "base"}, {"D", "base"}};
  target_.env = {{"B", "target"}, {"C", "target"}, {"D", "target"}};
  target_.steps[0].env = {{"C", "step"}, {"D", "step"}};
  options_.asked.env = {{"D", "request"}};
  EXPECT_THAT(Plan()->steps[0].env, ElementsAre(::testing::Pair("A", "base"), ::testing::Pair("B", "target"),
                                                ::testing::Pair("C", "step"), ::testing::Pair("D", "request")));
}

// Rule: the runner's paths are those of the checkout, the root being ""; the program is where artifacts are brought to,
// which the build dir need not be.
TEST_F(PlanTargetTest, TheRunnerIsRelativeToTheCheckout) {
  target_.runner = RunnerSpec{"wasi", "bin/t.wasm", {{"P", "${build}/lib"}}, {{"/", "."}, {"/lib", "${build}/../lib"}}};
  auto plan = Plan();
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(plan->runner->program, "builddir/t/bin/t.wasm");
  EXPECT_EQ(plan->runner->env.at("P"), "out/t/lib");
  EXPECT_EQ(plan->runner->directories.at("/"), "");
  EXPECT_EQ(plan->runner->directories.at("/lib"), "out/lib");
}

// Rule: what this machine cannot build is refused, with what is there and what mends it.
TEST_F(PlanTargetTest, ToolchainProblems) {
  const auto problem = [&] { return std::string(CheckBuildable(target_, machine_, false).message()); };
  EXPECT_EQ(problem(), "");
  target_.minimum_sdk = "25";
  EXPECT_THAT(problem(),
              HasSubstr("target 't' needs a WASI SDK of version 25 or newer; /sdk is wasi-sdk 24.0; unpack"));
  EXPECT_EQ(Plan().status().code(), absl::StatusCode::kFailedPrecondition);
  target_.minimum_sdk = "24";
  target_.refused_sdks = {{"24", "it hangs"}};
  EXPECT_THAT(problem(), HasSubstr("WASI SDK 24, which is in /sdk: it hangs"));
  target_.refused_sdks = {{"23", "it hangs"}};
  EXPECT_EQ(problem(), "");
  target_.toolchain = "native";
  EXPECT_EQ(problem(), "") << "versions of the WASI SDK mean nothing to it";
  machine_.toolchains.pop_back();
  EXPECT_EQ(problem(), "this agent has no native toolchain");
}

// Rule: a target that is known to be broken is refused with the reason; who insists gets it, and is reminded.
TEST_F(PlanTargetTest, BrokenTargetsWantForce) {
  target_.broken = "it crashes";
  EXPECT_EQ(Plan().status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Plan().status().message(), "target 't' is broken: it crashes; --force builds it all the same");
  options_.force = true;
  ASSERT_TRUE(Plan().ok()) << Plan().status();
  EXPECT_THAT(Plan()->remarks, ::testing::Contains(HasSubstr("built because it was forced: it crashes")));
}

// Rule: a target's own variables stand for their texts, in which the general ones are known.
TEST_F(PlanTargetTest, OwnVariables) {
  target_.let = {{"flavor", "node-${jobs}"}, {"empty", ""}};
  EXPECT_EQ(Expanded("--target=${flavor}${empty}"), "--target=node-1");
}

// Rule: what a toolchain tells its steps goes over the agent's environment and under the target's; its folders go
// before PATH, also where a target names PATH.
TEST_F(PlanTargetTest, ToolchainsHaveAnEnvironment) {
  base_ = {{"PATH", "/usr/bin"}, {"TZ", "local"}};
  machine_.toolchains[0].search_folders = {"/sdk/tools", "/sdk/node"};
  machine_.toolchains[0].env = {{"TZ", "UTC"}, {"EM_CACHE", std::string(kTemporaryFolder) + "/em"}};
  machine_.toolchains[0].links = {{"em/sysroot", "/sdk/sysroot"}};
  auto plan = Plan();
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(plan->steps[0].env.at("PATH"), "/sdk/tools:/sdk/node:/usr/bin");
  EXPECT_EQ(plan->steps[0].env.at("TZ"), "UTC");
  EXPECT_EQ(plan->steps[0].env.at("EM_CACHE"), std::string(kSourceRootMark) + "/../tmp/em");
  ASSERT_EQ(plan->links.size(), 1u);
  EXPECT_EQ(plan->links[0].target, "/sdk/sysroot");
  target_.env = {{"PATH", "/mine:${env:PATH}"}, {"TZ", "mine"}};
  EXPECT_EQ(Plan()->steps[0].env.at("PATH"), "/mine:/sdk/tools:/sdk/node:/usr/bin");
  EXPECT_EQ(Plan()->steps[0].env.at("TZ"), "mine");
}

// Rule: a program that node runs on its own is run by the toolchain's node, with the flags that this node takes.
TEST_F(PlanTargetTest, HostRunnerOfNode) {
  target_.runner = RunnerSpec{"node", "t.js", {}, {}, {"--new", "--old"}};
  EXPECT_EQ(Expanded("${hostrunner}"), "node");
  machine_.toolchains[0].node = {"node", "/sdk/node", "22.1.0", {"/sdk/node"}, ""};
  machine_.toolchains[0].node_flags = {"--new", "--unasked"};
  EXPECT_EQ(Expanded("${hostrunner}"), "/sdk/node --new");
  EXPECT_THAT(Plan()->runner->flags, ElementsAre("--new", "--old")) << "another machine's node may take both";
  EXPECT_THAT(Plan()->remarks, ::testing::Contains("runtime: node 22.1.0 (/sdk/node)"));
}

// Rule: headers and libraries have a name, whatever the SDK's layout.
TEST_F(PlanTargetTest, Sysroot) {
  EXPECT_EQ(Expanded("${sysroot}"), "/sdk/share/wasi-sysroot");
  machine_.toolchains[0].sysroot = "/sdk/cache/sysroot";
  EXPECT_EQ(Expanded("${sysroot}"), "/sdk/cache/sysroot");
}

}  // namespace
}  // namespace wasmagent::pipeline
