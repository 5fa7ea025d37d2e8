#include "agent/pipeline/target_file.h"

#include "agent/pipeline/embedded_texts.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace wasmagent::pipeline {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kWhole[] = R"(version: 1
targets:
  lib:
    toolchain: wasi
    steps:
      - {name: make, kind: make, argv: [make, "-j${jobs}", "CC=${sdk}/bin/clang"]}
  app:
    description: the program
    toolchain: wasi
    needs: [lib]
    build_dir: out/./app
    minimum_sdk: 20
    refused_sdks: {26: it hangs}
    env: {LIB: "${abs_src}/${need:lib}"}
    steps:
      - name: configure
        kind: configure
        argv: ["${src}/configure", $(VAR)]
        env: {CC: "${ccache} ${sdk}/bin/clang"}
      - name: test
        directory: ../..
        argv: [true]
    inputs: [configure, "**/*.in"]
    artifacts: ["**/*.wasm", "!**/tmp/**"]
    runner:
      program: app.wasm
      env: {A: "${build}"}
      directories: {/: .}
)";

std::string Mistake(const std::string& text) {
  const auto file = ParseTargetFile(text, "wasmbuild.yaml");
  EXPECT_FALSE(file.ok());
  EXPECT_EQ(file.status().code(), absl::StatusCode::kInvalidArgument);
  return std::string(file.status().message());
}

// A target whose body is `body`, indented by four.
std::string Target(const std::string& body) { return "version: 1\ntargets:\n  t:\n" + body; }

// Rule: every field of the format arrives where it belongs, with its default where it is left out.
TEST(TargetFile, ReadsEveryField) {
  const auto file = ParseTargetFile(kWhole, "wasmbuild.yaml");
  ASSERT_TRUE(file.ok()) << file.status();
  ASSERT_EQ(file->targets.size(), 2u);
  const TargetTemplate& lib = file->targets[0];
  EXPECT_EQ(lib.name, "lib");
  EXPECT_EQ(lib.build_directory, "builddir/lib");
  EXPECT_FALSE(lib.runner.has_value());
  const TargetTemplate& app = file->targets[1];
  EXPECT_EQ(app.description, "the program");
  EXPECT_THAT(app.needs, ElementsAre("lib"));
  EXPECT_EQ(app.build_directory, "out/app");
  EXPECT_EQ(app.minimum_sdk, "20");
  EXPECT_EQ(app.refused_sdks.at("26"), "it hangs");
  ASSERT_EQ(app.steps.size(), 2u);
  EXPECT_EQ(app.steps[0].kind, StepKind::kConfigure);
  EXPECT_THAT(app.steps[0].argv, ElementsAre("${src}/configure", "$(VAR)"));
  EXPECT_EQ(app.steps[1].kind, StepKind::kRun);
  EXPECT_EQ(app.steps[1].directory, "../..");
  ASSERT_TRUE(app.runner.has_value());
  EXPECT_EQ(app.runner->runtime, "wasi");
  EXPECT_EQ(app.runner->directories.at("/"), ".");
}

// Rule: a mistake is told with file, line and column, and with what would be right.
TEST(TargetFile, MistakesHaveAPlaceAndAHint) {
  EXPECT_EQ(
      Mistake(Target("    toolchain: wasi\n    stepz: []\n")),
      "wasmbuild.yaml:5:5: unknown key 'stepz' in target 't'; did you mean 'steps'? (known: description, support, "
      "broken, toolchain, needs, build_dir, let, env, steps, actions, inputs, artifacts, runner, minimum_sdk, "
      "refused_sdks, preferred_sdk, sdk)");
  EXPECT_THAT(Mistake(Target("    toolchain: wasm\n    steps: [{name: a, argv: [b]}]\n")),
              HasSubstr("wasmbuild.yaml:4:16: unknown toolchain 'wasm'; did you mean 'wasi'?"));
  EXPECT_THAT(
      Mistake(Target("    toolchain: wasi\n    steps:\n      - name: a\n        argv: [\"${sdkk}/bin/clang\"]\n")),
      HasSubstr("wasmbuild.yaml:7:16: unknown variable ${sdkk}; did you mean 'sdk'?"));
  EXPECT_THAT(Mistake(Target("    toolchain: native\n    steps:\n      - {name: a, argv: [\"${sdk}\"]}\n")),
              HasSubstr(":6:26: ${sdk} is for WebAssembly toolchains"));
  EXPECT_THAT(Mistake(Target("    toolchain: native\n    steps:\n      - {name: a, argv: [\"${need:b}\"]}\n")),
              HasSubstr("does not list 'b' in its needs"));
  EXPECT_THAT(Mistake(Target("    toolchain: native\n    steps:\n      - {name: a, argv: [\"${hostrunner}\"]}\n")),
              HasSubstr("has no runner"));
  EXPECT_THAT(Mistake(Target("    toolchain: native\n    steps:\n      - {name: a, argv: [\"${src\"]}\n")),
              HasSubstr("without its '}'"));
  EXPECT_THAT(Mistake(Target("    toolchain: native\n    steps:\n      - {name: a, argv: make all}\n")),
              HasSubstr("must be a list"));
  EXPECT_THAT(Mistake(Target("    toolchain: native\n    steps:\n      - {name: a, argv: []}\n")),
              HasSubstr("needs 'argv'"));
  EXPECT_THAT(Mistake(Target("    toolchain: native\n")), HasSubstr("needs 'steps'"));
  EXPECT_THAT(Mistake(Target("    steps: [{name: a, argv: [b]}]\n")), HasSubstr("target 't' needs 'toolchain'"));
  EXPECT_THAT(Mistake(Target("    toolchain: native\n    steps: [{name: a, kind: mak, argv: [b]}]\n")),
              HasSubstr("did you mean 'make'?"));
  EXPECT_THAT(Mistake(Target("    toolchain: native\n    steps: [{name: a, argv: [b]}, {name: a, argv: [b]}]\n")),
              HasSubstr("two steps"));
  EXPECT_THAT(Mistake(Target("    toolchain: native\n    build_dir: ../x\n    steps: [{name: a, argv: [b]}]\n")),
              HasSubstr(":5:16: 'build_dir' leaves"));
  EXPECT_THAT(Mistake(Target("    toolchain: native\n    env: {A: }\n    steps: [{name: a, argv: [b]}]\n")),
              HasSubstr("has no value"));
  EXPECT_THAT(Mistake(Target("    toolchain: native\n    artifacts: [/x]\n    steps: [{name: a, argv: [b]}]\n")),
              HasSubstr(":5:17: pattern '/x' is absolute"));
  EXPECT_THAT(Mistake(Target("    toolchain: native\n    inputs: [\"!x\"]\n    steps: [{name: a, argv: [b]}]\n")),
              HasSubstr("takes no \"!\" patterns"));
  EXPECT_THAT(Mistake(Target("    toolchain: native\n    steps: [{name: a, argv: [b], directory: ../../..}]\n")),
              HasSubstr("stays in the source tree"));
}

// Rule: what is wrong with the file as a whole is told as well, whatever kind of nonsense it is.
TEST(TargetFile, NonsenseIsRefused) {
  EXPECT_THAT(Mistake(""), HasSubstr("must be a mapping"));
  EXPECT_THAT(Mistake("- a\n"), HasSubstr("wasmbuild.yaml:1:1: a target file must be a mapping"));
  EXPECT_THAT(Mistake("targets: {}\n"), HasSubstr("needs 'version: 1'"));
  EXPECT_THAT(Mistake("version: 2\ntargets: {}\n"), HasSubstr("wasmbuild.yaml:1:10: version 2 is not known"));
  EXPECT_THAT(Mistake("version: 1\n"), HasSubstr("needs 'targets'"));
  EXPECT_THAT(Mistake("version: 1\ntargets: {a: {toolchain: wasi, toolchain: wasi}}\n"), HasSubstr("stands twice"));
  EXPECT_THAT(Mistake("version: 1\ntargets: {../x: {}}\n"), HasSubstr("cannot name a target"));
  EXPECT_THAT(Mistake("version: [1\n"), HasSubstr("wasmbuild.yaml:2:1: "));
  EXPECT_THAT(Mistake("version: 1\ntargets: {a: {steps: [{argv: [${x}]}]}}\n"), HasSubstr("need quotes: \"${src}\""));
  EXPECT_THAT(Mistake("a: *nowhere\n"), HasSubstr("wasmbuild.yaml:1:4: "));
  EXPECT_EQ(Mistake("version: 1\n# caf\xe9\n"), "wasmbuild.yaml:2: a byte that is not UTF-8");
  EXPECT_THAT(Mistake(std::string(100000, '[')), HasSubstr("wasmbuild.yaml:"));
  EXPECT_THAT(Mistake(std::string(2 << 20, ' ')), HasSubstr("larger than"));
}

// Rule: needs must be there and must not go in a circle; the message shows the circle.
TEST(TargetFile, NeedsAreChecked) {
  const auto with_needs = [](const std::string& a, const std::string& b) {
    return "version: 1\ntargets:\n  one:\n    toolchain: native\n    needs: [" + a +
           "]\n    steps: [{name: a, argv: [b]}]\n  two:\n    toolchain: native\n    needs: [" + b +
           "]\n    steps: [{name: a, argv: [b]}]\n";
  };
  EXPECT_THAT(Mistake(with_needs("tow", "")),
              HasSubstr("wasmbuild.yaml:5:12: target 'one' needs 'tow', which is not a target; did you mean 'two'?"));
  EXPECT_THAT(Mistake(with_needs("two", "one")), HasSubstr("needs go in a circle: one → two → one"));
  EXPECT_THAT(Mistake(with_needs("one", "")), HasSubstr("one → one"));
}

// Rule: needs come before what needs them, each once.
TEST(TargetFile, OrderIsNeedsFirst) {
  const auto file = ParseTargetFile(kWhole, "wasmbuild.yaml");
  ASSERT_TRUE(file.ok());
  const auto order = OrderTargets(*file, {"app", "lib", "app"});
  ASSERT_TRUE(order.ok());
  ASSERT_EQ(order->size(), 2u);
  EXPECT_EQ((*order)[0]->name, "lib");
  EXPECT_EQ((*order)[1]->name, "app");
  EXPECT_EQ(OrderTargets(*file, {"ap"}).status().message(),
            "there is no target 'ap'; did you mean 'app'? (targets: lib, app)");
}

// Rule: every file that is built in can be read.
TEST(TargetFile, BuiltInFilesAreRight) {
  int count = 0;
  for (const auto& [name, text] : EmbeddedTexts()) {
    if (name.find(".yaml") == std::string_view::npos) continue;
    if (name == "libraries.yaml" || name == "limitations.yaml")
      continue;  // no targets: what failures are explained with
    EXPECT_TRUE(ParseTargetFile(text, name).ok()) << ParseTargetFile(text, name).status();
    ++count;
  }
  EXPECT_EQ(count, 6);
}

}  // namespace
}  // namespace wasmagent::pipeline
