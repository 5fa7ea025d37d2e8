#include "agent/pipeline/planner.h"

#include <cstdlib>
#include <functional>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/agent/pipeline/folder_tree.h"
#include "tests/unit/agent/pipeline/plan_text.h"

namespace wasmagent::pipeline {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

Toolchain Emscripten() {
  Toolchain sdk{"emscripten", "/opt/emsdk", "emscripten 3.1.69", "f-emscripten", true, ""};
  sdk.search_folders = {"/opt/emsdk/upstream/emscripten", "/opt/emsdk/node/bin"};
  sdk.env = {{"EMSDK", "/opt/emsdk"},
             {"EM_CONFIG", "/opt/emsdk/.emscripten"},
             {"EM_CACHE", std::string(kTemporaryFolder) + "/emscripten"},
             {"EM_COMPILER_WRAPPER", "/usr/bin/ccache"}};
  sdk.links = {{"emscripten/sysroot", "/opt/emsdk/cache/sysroot"}};
  sdk.sysroot = "/opt/emsdk/cache/sysroot";
  sdk.node = {"node", "/opt/emsdk/node/bin/node", "24.1.0", {"/opt/emsdk/node/bin/node"}, ""};
  sdk.node_flags = {"--experimental-wasm-bulk-memory"};
  return sdk;
}

ToolchainInventory Machine(const std::string& sdk_version = "wasi-sdk 24.0") {
  ToolchainInventory machine;
  machine.toolchains = {{"wasi", "/opt/wasi-sdk", sdk_version, "f-wasi", true, ""},
                        {"native", "/usr/bin/cc", "cc 12", "f-native", true, ""},
                        Emscripten()};
  machine.runtimes = {
      {"node", "/usr/bin/node", "20.1.0", {"/usr/bin/node", "--no-warnings", "/state/runtimes/node-wasi.mjs"}, ""}};
  machine.ccache = "/usr/bin/ccache";
  return machine;
}

MapTree CPython(const std::string& minor) {
  return MapTree(
      {{"Include/patchlevel.h", "#define PY_MAJOR_VERSION        3\n#define PY_MINOR_VERSION        " + minor + "\n"},
       {"Lib/os.py", ""},
       {"configure", "script"},
       {"Modules/Setup", "m"},
       {"Objects/longobject.c", "int x;"},
       {"Tools/wasm/wasm_build.py", ""},
       {"Tools/wasm/wasi-env", ""},
       {"Tools/wasm/config.site-wasm32-wasi", ""}});
}

MapTree OneFile(const std::string& name, const std::string& text) {
  return MapTree(std::map<std::string, std::string>{{name, text}});
}

const std::map<std::string, std::string> kBase = {{"HOME", "/home/build"}, {"PATH", "/usr/bin:/bin"}};

PlanOptions Jobs(int jobs) {
  PlanOptions options;
  options.jobs = jobs;
  return options;
}

// Compares with a file in golden/; with UPDATE_GOLDEN set, writes it instead. The machine's triplet is taken out.
void ExpectGolden(const std::string& name, const absl::StatusOr<Plan>& plan) {
  ASSERT_TRUE(plan.ok()) << plan.status();
  std::string text = PlanText(*plan);
  for (const char* triplet : {"x86_64-pc-linux-gnu", "aarch64-unknown-linux-gnu"}) {
    for (size_t at = text.find(triplet); at != std::string::npos; at = text.find(triplet))
      text.replace(at, strlen(triplet), "TRIPLET");
  }
  const std::string path = std::string(GOLDEN_FOLDER) + "/" + name;
  if (std::getenv("UPDATE_GOLDEN") != nullptr) std::ofstream(path) << text;
  const auto expected = platform::ReadFile(path);
  ASSERT_TRUE(expected.ok()) << expected.status();
  EXPECT_EQ(text, *expected) << "if this is meant: UPDATE_GOLDEN=1";
}

// Rule: the plan of each kind of project is just what golden/ shows, word for word.
TEST(Planner, PlansAreAsShown) {
  const ToolchainInventory machine = Machine();
  const Planner planner(machine, kBase);
  for (const char* minor : {"11", "12", "13"}) {
    ExpectGolden(std::string("cpython-3.") + minor + ".txt", planner.MakePlan(CPython(minor), {"wasi"}, Jobs(4)));
    ExpectGolden(
        std::string("cpython-3.") + minor + "-emscripten.txt",
        planner.MakePlan(CPython(minor),
                         {"emscripten-browser", "emscripten-browser-debug", "emscripten-node", "emscripten-node-debug",
                          "emscripten-node-dl", "emscripten-node-dl-debug", "emscripten-node-pthreads",
                          "emscripten-node-pthreads-debug", "wasm64-emscripten-node-debug"},
                         Jobs(4)));
    ExpectGolden(std::string("cpython-3.") + minor + "-debug.txt",
                 planner.MakePlan(CPython(minor), {"build-debug", "wasi-debug"}, Jobs(4)));
  }
  ExpectGolden("configure.txt", planner.MakePlan(OneFile("configure", ""), {"wasi", "emscripten", "native"}, Jobs(4)));
  ExpectGolden("cmake.txt", planner.MakePlan(OneFile("CMakeLists.txt", ""), {"wasi", "emscripten", "native"}, Jobs(4)));
  ExpectGolden("makefile.txt", planner.MakePlan(OneFile("Makefile", ""), {"wasi", "emscripten", "native"}, Jobs(4)));
}

// Rule: without ccache, plans do without it.
TEST(Planner, CcacheIsOptional) {
  ToolchainInventory machine = Machine();
  machine.ccache = "";
  const auto plan = Planner(machine, kBase).MakePlan(CPython("11"), {"build"}, Jobs(1));
  ASSERT_TRUE(plan.ok());
  EXPECT_EQ(plan->targets[0].steps[0].env.at("CC"), "cc");
  EXPECT_EQ(plan->targets[0].steps[0].env.count("CCACHE_COMPILERCHECK"), 0u);
}

// Rule: what was not asked for is built, but leaves no artifacts.
TEST(Planner, NeedsLeaveNoArtifacts) {
  const ToolchainInventory machine = Machine();
  const Planner planner(machine, kBase);
  const auto one = planner.MakePlan(CPython("11"), {"wasi"}, Jobs(1));
  ASSERT_TRUE(one.ok());
  EXPECT_TRUE(one->targets[0].artifacts.empty());
  EXPECT_FALSE(one->targets[0].runner.has_value());
  const auto both = planner.MakePlan(CPython("11"), {"wasi", "build"}, Jobs(1));
  ASSERT_TRUE(both.ok());
  EXPECT_FALSE(both->targets[0].artifacts.empty());
  EXPECT_EQ(both->targets[0].name, "build");
}

// Rule: the request's environment goes before the target's, which goes before the base; arguments go to the steps of
// their kind.
TEST(Planner, RequestOptionsComeLast) {
  const ToolchainInventory machine = Machine();
  PlanOptions options = Jobs(3);
  options.asked.env = {{"CC", "mine"}, {"NEW", "1"}};
  options.asked.configure_args = {"--with-pydebug"};
  options.asked.make_args = {"V=1"};
  const auto plan = Planner(machine, kBase).MakePlan(CPython("11"), {"build"}, options);
  ASSERT_TRUE(plan.ok());
  const std::vector<Step>& steps = plan->targets[0].steps;
  EXPECT_THAT(steps[0].argv, ElementsAre("../../configure", "-C", "--without-pydebug", "--with-pydebug"));
  EXPECT_THAT(steps[1].argv, ElementsAre("make", "-j3", "all", "V=1"));
  EXPECT_EQ(steps[1].env.at("CC"), "mine");
  EXPECT_EQ(steps[1].env.at("NEW"), "1");
  EXPECT_EQ(steps[1].env.at("HOME"), "/home/build");
  options.asked.env = {{"A=B", ""}};
  EXPECT_FALSE(Planner(machine, kBase).MakePlan(CPython("11"), {"build"}, options).ok());
  EXPECT_FALSE(Planner(machine, kBase).MakePlan(CPython("11"), {"build"}, Jobs(0)).ok());
  EXPECT_FALSE(Planner(machine, kBase).MakePlan(CPython("11"), {}, Jobs(1)).ok());
}

// Rule: what a request tells is for the targets that it names. A need is built as always, so that one build of it
// serves all.
TEST(Planner, RequestOptionsLeaveNeedsAlone) {
  const ToolchainInventory machine = Machine();
  PlanOptions options = Jobs(3);
  options.asked.env = {{"CFLAGS", "-mexec-model=reactor"}};
  options.asked.configure_args = {"--enable-wasm-dynamic-linking"};
  options.asked.make_args = {"V=1"};
  const Planner planner(machine, kBase);
  const auto plain = planner.MakePlan(CPython("11"), {"wasi"}, Jobs(3));
  const auto plan = planner.MakePlan(CPython("11"), {"wasi"}, options);
  ASSERT_TRUE(plain.ok() && plan.ok());
  EXPECT_EQ(plan->targets[0].name, "build");
  EXPECT_EQ(plan->targets[0].configure_key, plain->targets[0].configure_key);
  for (size_t i = 0; i < plan->targets[0].steps.size(); ++i) {
    EXPECT_EQ(plan->targets[0].steps[i].argv, plain->targets[0].steps[i].argv);
    EXPECT_EQ(plan->targets[0].steps[i].env, plain->targets[0].steps[i].env);
  }
  EXPECT_EQ(plan->targets[1].steps[0].argv.back(), "--enable-wasm-dynamic-linking");
  EXPECT_EQ(plan->targets[1].steps[0].env.at("CFLAGS"), "-mexec-model=reactor");
  const auto both = planner.MakePlan(CPython("11"), {"build", "wasi"}, options);
  ASSERT_TRUE(both.ok());
  EXPECT_EQ(both->targets[0].steps[0].argv.back(), "--enable-wasm-dynamic-linking");
}

// Rule: the configure key changes with all that decides how a build dir is configured, and with nothing else.
TEST(Planner, ConfigureKeyHasWhatConfigures) {
  const auto key =
      [](const std::function<void(ToolchainInventory&, MapTree&, PlanOptions&, std::map<std::string, std::string>&)>&
             change,
         const std::string& target = "wasi") {
        ToolchainInventory machine = Machine();
        MapTree tree = CPython("11");
        PlanOptions options = Jobs(2);
        std::map<std::string, std::string> base = kBase;
        change(machine, tree, options, base);
        const auto plan = Planner(machine, base).MakePlan(tree, {target}, options);
        EXPECT_TRUE(plan.ok()) << plan.status();
        return plan->targets.back().configure_key;
      };
  using Change = std::function<void(ToolchainInventory&, MapTree&, PlanOptions&, std::map<std::string, std::string>&)>;
  const std::string same = key([](auto&, auto&, auto&, auto&) {});
  EXPECT_EQ(same.size(), 64u);
  const std::vector<Change> unrelated = {
      [](auto&, auto&, auto& options, auto&) { options.jobs = 7; },
      [](auto&, auto& tree, auto&, auto&) { tree.files_["Objects/longobject.c"] = "int y;"; },
      [](auto&, auto&, auto& options, auto&) { options.asked.make_args = {"test"}; },
      [](auto&, auto&, auto& options, auto&) { options.asked.env["MAKEFLAGS"] = "-j9"; },
      [](auto&, auto&, auto&, auto& base) { base["HOME"] = "/elsewhere"; },
      [](auto&, auto&, auto&, auto& base) { base["TMPDIR"] = "/tmp/7"; },
  };
  for (size_t i = 0; i < unrelated.size(); ++i) EXPECT_EQ(key(unrelated[i]), same) << "unrelated " << i;
  const std::vector<Change> related = {
      [](auto&, auto& tree, auto&, auto&) { tree.files_["configure"] = "other"; },
      [](auto&, auto& tree, auto&, auto&) { tree.files_["Modules/Setup.local"] = ""; },
      [](auto& machine, auto&, auto&, auto&) { machine.toolchains[0].fingerprint = "other"; },
      [](auto& machine, auto&, auto&, auto&) { machine.toolchains[1].fingerprint = "the need's compiler"; },
      [](auto& machine, auto&, auto&, auto&) { machine.toolchains[0].path = "/opt/other"; },
      [](auto& machine, auto&, auto&, auto&) { machine.runtimes[0].command = {"/usr/bin/other"}; },
      [](auto&, auto&, auto& options, auto&) { options.asked.configure_args = {"--with-pydebug"}; },
      [](auto&, auto&, auto& options, auto&) { options.asked.env["CFLAGS"] = "-O3"; },
      [](auto&, auto&, auto&, auto& base) { base["PATH"] = "/other"; },
  };
  for (size_t i = 0; i < related.size(); ++i) EXPECT_NE(key(related[i]), same) << "related " << i;
  // With ccache, the compiler is in the environment, too.
  const Change no_ccache = [](auto& machine, auto&, auto&, auto&) { machine.ccache.clear(); };
  const Change no_ccache_other_compiler = [](auto& machine, auto&, auto&, auto&) {
    machine.ccache.clear();
    machine.toolchains[0].fingerprint = "other";
  };
  EXPECT_NE(key(no_ccache), key(no_ccache_other_compiler));
}

// Rule: a target without a configure step is configured by what its other steps are told.
TEST(Planner, ConfigureKeyWithoutConfigureStep) {
  const ToolchainInventory machine = Machine();
  const Planner planner(machine, kBase);
  const MapTree tree = OneFile("Makefile", "all:");
  PlanOptions other = Jobs(2);
  other.asked.make_args = {"CFLAGS=-O0"};
  const std::string same = planner.MakePlan(tree, {"wasi"}, Jobs(2))->targets[0].configure_key;
  EXPECT_EQ(planner.MakePlan(tree, {"wasi"}, Jobs(3))->targets[0].configure_key, same);
  EXPECT_NE(planner.MakePlan(tree, {"wasi"}, other)->targets[0].configure_key, same);
  EXPECT_NE(planner.MakePlan(tree, {"native"}, Jobs(2))->targets[0].configure_key, same);
}

// Rule: an SDK that is missing, too old or known to be bad is refused with what mends it, in plans and in lists.
TEST(Planner, BadSdksAreRefused) {
  ToolchainInventory machine = Machine("wasi-sdk 27.0 (clang 20)");
  const auto refused = Planner(machine, kBase).MakePlan(CPython("11"), {"wasi"}, Jobs(1));
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(refused.status().message()), HasSubstr("must not be built with WASI SDK 27"));
  EXPECT_THAT(std::string(refused.status().message()), HasSubstr("wasi-libc/issues/617"));
  EXPECT_TRUE(Planner(machine, kBase).MakePlan(CPython("11"), {"build"}, Jobs(1)).ok());
  EXPECT_TRUE(Planner(machine, kBase).MakePlan(OneFile("Makefile", ""), {"wasi"}, Jobs(1)).ok())
      << "only CPython hangs";
  machine.toolchains[0] = {"wasi", "", "", "", false, "no WASI SDK: apt-get install it"};
  const auto list = Planner(machine, kBase).List(CPython("11"));
  ASSERT_TRUE(list.ok());
  EXPECT_EQ(list->source, "built in: CPython 3.11");
  const auto named = [&](const std::string& name) {
    for (const TargetSummary& target : list->targets) {
      if (target.name == name) return target;
    }
    return TargetSummary();
  };
  EXPECT_TRUE(named("build").buildable);
  EXPECT_EQ(named("build").support, "working");
  EXPECT_FALSE(named("wasi").buildable);
  EXPECT_EQ(named("wasi").problem, "no WASI SDK: apt-get install it");
  EXPECT_TRUE(named("emscripten-node").buildable);
  EXPECT_EQ(named("emscripten-browser").support, "tier 3");
  EXPECT_THAT(named("emscripten-node-dl-pthreads-debug").problem, HasSubstr("is broken: a CPython with both"));
  machine = Machine();
  machine.toolchains[1].usable = false;
  machine.toolchains[1].problem = "no cc";
  EXPECT_EQ(Planner(machine, kBase).List(CPython("13"))->targets[1].problem, "no cc")
      << "what a need lacks, the target lacks";
}

// Rule: without a runtime a plan can be made, and says so.
TEST(Planner, NoRuntimeIsARemark) {
  ToolchainInventory machine = Machine();
  machine.runtimes.clear();
  const auto plan = Planner(machine, kBase).MakePlan(CPython("13"), {"wasi"}, Jobs(1));
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_THAT(plan->targets[1].remarks, Contains(HasSubstr("no program that runs WASI")));
  EXPECT_THAT(plan->targets[1].steps[0].env.at("HOSTRUNNER"), HasSubstr("wasmtime run --wasm max-wasm-stack=8388608"));
}

}  // namespace
}  // namespace wasmagent::pipeline
