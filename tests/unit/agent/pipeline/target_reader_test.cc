#include "agent/pipeline/target_reader.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "yaml-cpp/yaml.h"

namespace wasmagent::pipeline {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A target "t" whose body is `body`, lines indented by two.
absl::StatusOr<TargetTemplate> Read(const std::string& body) {
  const YAML::Node root = YAML::Load("t:\n" + body + "  steps: [{name: a, argv: [b, \"${flavor}\"]}]\n");
  return ReadTarget("file", root.begin()->first, root.begin()->second);
}

std::string Mistake(const std::string& body) {
  const auto target = Read(body);
  EXPECT_FALSE(target.ok());
  return std::string(target.status().message());
}

constexpr char kLet[] = "  let: {flavor: node}\n";

// Rule: every key of an emscripten target arrives where it belongs; its programs are node's.
TEST(TargetReader, ReadsEmscriptenTargets) {
  const auto target = Read(
      "  toolchain: emscripten\n  support: broken\n  broken: it crashes\n  let: {flavor: \"node-${triplet}\"}\n"
      "  minimum_sdk: 3.1.21\n  preferred_sdk: 3.1\n  sdk: 3\n  refused_sdks: {3.1.60: it is slow, 4: it is new}\n"
      "  runner: {program: t.js, flags: [--experimental-wasm-bigint]}\n");
  ASSERT_TRUE(target.ok()) << target.status();
  EXPECT_EQ(target->toolchain, "emscripten");
  EXPECT_EQ(target->support, "broken");
  EXPECT_EQ(target->broken, "it crashes");
  EXPECT_EQ(target->let.at("flavor"), "node-${triplet}");
  EXPECT_EQ(target->minimum_sdk, "3.1.21");
  EXPECT_EQ(target->preferred_sdk, "3.1");
  EXPECT_EQ(target->sdk, "3");
  EXPECT_EQ(target->refused_sdks.at("3.1.60"), "it is slow");
  EXPECT_EQ(target->runner->runtime, "node");
  EXPECT_THAT(target->runner->flags, ElementsAre("--experimental-wasm-bigint"));
}

// Rule: a target that is broken says why, and one that says why is broken.
TEST(TargetReader, BrokenHasAReason) {
  const std::string native = std::string("  toolchain: native\n") + kLet;
  EXPECT_THAT(Mistake(native + "  support: broken\n"), HasSubstr("file:4:12: 'support: broken' and 'broken: why'"));
  EXPECT_THAT(Mistake(native + "  broken: it crashes\n"), HasSubstr("file:4:11: 'support: broken' and"));
  EXPECT_THAT(Mistake(native + "  support: tier 4\n"),
              HasSubstr("file:4:12: unknown level of support 'tier 4'; did you mean 'tier 1'?"));
}

// Rule: versions are numbers, in full or their beginning.
TEST(TargetReader, VersionsAreNumbers) {
  const std::string wasi = std::string("  toolchain: wasi\n") + kLet;
  EXPECT_THAT(Mistake(wasi + "  minimum_sdk: new\n"),
              HasSubstr("file:4:16: 'minimum_sdk' must be a version, 24 or 3.1.19 for example, not 'new'"));
  EXPECT_THAT(Mistake(wasi + "  sdk: 3.1.x\n"), HasSubstr("file:4:8: 'sdk' must be a version"));
  EXPECT_THAT(Mistake(wasi + "  refused_sdks: {latest: no}\n"), HasSubstr("file:4:18: 'refused_sdks' maps versions"));
  EXPECT_THAT(Mistake(wasi + "  refused_sdks: {26: }\n"), HasSubstr("'refused_sdks' maps versions"));
}

// Rule: a minimum may say why, once; and one that says nothing is as good.
TEST(TargetReader, MinimumMayHaveAReason) {
  const std::string wasi = std::string("  toolchain: wasi\n") + kLet;
  const auto target = Read(wasi + "  minimum_sdk: {24: older ones hang}\n");
  ASSERT_TRUE(target.ok()) << target.status();
  EXPECT_EQ(target->minimum_sdk, "24");
  EXPECT_EQ(target->minimum_sdk_reason, "older ones hang");
  EXPECT_EQ(Read(wasi + "  minimum_sdk: 24\n")->minimum_sdk_reason, "");
  const std::string wanted = "file:4:16: 'minimum_sdk' maps one version of the SDK to the reason";
  for (const char* wrong : {"{24: }", "{new: why}", "{24: why, 25: why}", "{24: [why]}"}) {
    EXPECT_THAT(Mistake(wasi + "  minimum_sdk: " + wrong + "\n"), HasSubstr(wanted)) << wrong;
  }
}

// Rule: a target's own variables have names that mean nothing else, and texts without each other.
TEST(TargetReader, OwnVariables) {
  const std::string native = "  toolchain: native\n";
  EXPECT_THAT(Mistake(native), HasSubstr("unknown variable ${flavor}"));
  EXPECT_THAT(Mistake(native + "  let: {flavour: x}\n"), HasSubstr("did you mean 'flavour'?"));
  EXPECT_THAT(Mistake(native + "  let: {Flavor: x}\n"), HasSubstr("file:3:9: 'Flavor' cannot name a variable"));
  EXPECT_THAT(Mistake(native + "  let: {jobs: x}\n"), HasSubstr("file:3:9: ${jobs} has a meaning already"));
  EXPECT_THAT(Mistake(native + "  let: {flavor: \"${flavor}\"}\n"), HasSubstr("file:3:17: unknown variable ${flavor}"));
  EXPECT_THAT(Mistake(native + "  let: {flavor: \"${sdk}\"}\n"), HasSubstr("${sdk} is for WebAssembly toolchains"));
}

// Rule: flags are node's, and those that it is asked for.
TEST(TargetReader, NodeFlags) {
  const std::string wasi = std::string("  toolchain: wasi\n") + kLet;
  EXPECT_THAT(Mistake(wasi + "  runner: {program: x, flags: [--experimental-wasm-threads]}\n"),
              HasSubstr("file:4:31: 'flags' are node's"));
  EXPECT_THAT(Mistake(wasi + "  runner: {program: x, runtime: node, flags: [--experimental-wasm-thread]}\n"),
              HasSubstr("file:4:47: unknown flag '--experimental-wasm-thread'; did you mean "
                        "'--experimental-wasm-threads'?"));
}

// Rule: actions are named, have steps that are no configure and no make, and alone know their words and their report.
TEST(TargetReader, Actions) {
  const std::string head = std::string("  toolchain: native\n") + kLet;
  const auto target = Read(
      head + "  actions: {test: {steps: [{name: run, argv: [ctest, --output-junit, \"${report}\", \"${args}\"]}]}}\n");
  ASSERT_TRUE(target.ok()) << target.status();
  EXPECT_THAT(target->actions.at("test").steps[0].argv, ElementsAre("ctest", "--output-junit", "${report}", "${args}"));
  const auto mistake = [&](const std::string& actions) { return Mistake(head + "  actions: " + actions + "\n"); };
  EXPECT_THAT(mistake("{Test: {steps: [{name: a, argv: [b]}]}}"), HasSubstr("'Test' cannot name an action"));
  EXPECT_THAT(mistake("{configure: {steps: [{name: a, argv: [b]}]}}"), HasSubstr("action of every target"));
  EXPECT_THAT(mistake("{test: {}}"), HasSubstr("action 'test' of target 't' needs 'steps'"));
  EXPECT_THAT(mistake("{test: {steps: [{name: a, kind: make, argv: [b]}]}}"), HasSubstr("must be of kind 'run'"));
  EXPECT_THAT(Mistake("  toolchain: native\n  let: {flavor: \"${args}\"}\n"),
              HasSubstr("${args} is for the steps of actions"));
}

}  // namespace
}  // namespace wasmagent::pipeline
