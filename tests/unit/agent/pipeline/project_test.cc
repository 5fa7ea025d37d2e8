#include "agent/pipeline/project.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/agent/pipeline/folder_tree.h"

namespace wasmagent::pipeline {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Files = std::map<std::string, std::string>;

// The files by which a CPython of this version is known.
Files CPython(const std::string& minor, const std::string& driver) {
  return {{"Include/patchlevel.h", "/* x */\n#define PY_MAJOR_VERSION\t3\n#define PY_MINOR_VERSION\t" + minor + "\n"},
          {"Lib/os.py", ""},
          {"configure", ""},
          {driver, ""},
          {"Tools/wasm/wasi-env", ""},
          {"Tools/wasm/config.site-wasm32-wasi", ""}};
}

std::string SourceOf(const Files& files) {
  const auto project = DetectProject(MapTree(files));
  return project.ok() ? project->source : std::string(project.status().message());
}

// Rule: a CPython is known by its files, and its version by patchlevel.h.
TEST(Project, CPythonByVersion) {
  EXPECT_THAT(KnownCPythonVersions(), ElementsAre("3.11", "3.12", "3.13"));
  EXPECT_EQ(SourceOf(CPython("11", "Tools/wasm/wasm_build.py")), "built in: CPython 3.11");
  EXPECT_EQ(SourceOf(CPython("12", "Tools/wasm/wasm_build.py")), "built in: CPython 3.12");
  EXPECT_EQ(SourceOf(CPython("13", "Tools/wasm/wasi.py")), "built in: CPython 3.13");
  const auto project = DetectProject(MapTree(CPython("12", "Tools/wasm/wasm_build.py")));
  ASSERT_TRUE(project.ok());
  const auto order = OrderTargets(project->file, {"wasi"});
  ASSERT_TRUE(order.ok());
  EXPECT_EQ((*order)[1]->runner->env.at("PYTHONPATH"), "/Lib:/${build}/build/lib.wasi-wasm32-3.12");
  EXPECT_TRUE(OrderTargets(project->file, {"emscripten-browser", "emscripten-node-dl"}).ok());
}

// Rule: a CPython that is too new or too old is refused with its version, its driver and the versions that are known.
TEST(Project, UnknownCPythonIsNamed) {
  const std::string newer = SourceOf(CPython("14", "Tools/wasm/wasi/__main__.py"));
  EXPECT_THAT(newer, HasSubstr("CPython 3.14 (Tools/wasm/wasi/__main__.py)"));
  EXPECT_THAT(newer, HasSubstr("3.11, 3.12, 3.13"));
  EXPECT_THAT(newer, HasSubstr("wasmbuild.yaml"));
  EXPECT_THAT(SourceOf(CPython("16", "Platforms/WASI/config.toml")),
              HasSubstr("CPython 3.16 (Platforms/WASI/config.toml)"));
  EXPECT_THAT(SourceOf(CPython("9", "Tools/x")), HasSubstr("CPython 3.9 (no driver"));
  Files incomplete = CPython("11", "Tools/wasm/wasm_build.py");
  incomplete.erase("Tools/wasm/wasi-env");
  EXPECT_THAT(SourceOf(incomplete), HasSubstr("git checkout -- Tools/wasm/wasi-env"));
}

// Rule: a project's own target file goes before everything, then CPython, configure, CMake, Makefile.
TEST(Project, OrderOfKinds) {
  Files files = {{"Makefile", ""}};
  EXPECT_EQ(SourceOf(files), "built in: Makefile project");
  files["CMakeLists.txt"] = "";
  EXPECT_EQ(SourceOf(files), "built in: CMake project");
  files["configure"] = "";
  EXPECT_EQ(SourceOf(files), "built in: configure project");
  files.merge(CPython("11", "Tools/wasm/wasm_build.py"));
  EXPECT_EQ(SourceOf(files), "built in: CPython 3.11");
  files["wasmbuild.yaml"] = "version: 1\ntargets: {a: {toolchain: native, steps: [{name: s, argv: [x]}]}}\n";
  EXPECT_EQ(SourceOf(files), "wasmbuild.yaml");
  files["wasmbuild.yaml"] = "version: one\n";
  EXPECT_THAT(SourceOf(files), HasSubstr("wasmbuild.yaml:1:10: "));
  EXPECT_EQ(SourceOf({{"GNUmakefile", ""}}), "built in: Makefile project");
}

// Rule: a tree that cannot be built says what was looked for, and what is nearly right.
TEST(Project, NothingToBuild) {
  EXPECT_THAT(SourceOf({{"main.c", ""}}), HasSubstr("nothing to build: no wasmbuild.yaml, configure"));
  EXPECT_THAT(SourceOf({{"configure.ac", ""}}), HasSubstr("autoreconf -i"));
  EXPECT_THAT(SourceOf({{"wasmbuild.yml", ""}}), HasSubstr("rename wasmbuild.yml"));
}

}  // namespace
}  // namespace wasmagent::pipeline
