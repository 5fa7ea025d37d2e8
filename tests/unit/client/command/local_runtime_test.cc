#include "client/command/local_runtime.h"

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace wasmagent::client {
namespace {

using ::testing::ElementsAre;
using Kind = LocalRuntime::Kind;

std::vector<std::string> Arguments(Kind kind, bool debug = false) {
  wasmagent::v1::Runner runner;
  runner.set_program("builddir/wasi/python.wasm");
  (*runner.mutable_env())["A"] = "b";
  (*runner.mutable_directories())["/"] = "";
  return RuntimeArguments({kind, "/rt"}, runner, "/src", "/n.mjs", {"-c", "x"}, debug);
}

// Each runtime gets the checkout mapped and the environment in its own spelling.
TEST(LocalRuntime, SpellingsOfRuntimes) {
  EXPECT_THAT(Arguments(Kind::kWasmtime),
              ElementsAre("/rt", "run", "--wasm", "max-wasm-stack=8388608", "--env", "A=b", "--dir", "/src::/", "--",
                          "/src/builddir/wasi/python.wasm", "-c", "x"));
  EXPECT_THAT(Arguments(Kind::kOldWasmtime), ElementsAre("/rt", "run", "--env", "A=b", "--mapdir", "/::/src", "--",
                                                         "/src/builddir/wasi/python.wasm", "-c", "x"));
  EXPECT_THAT(Arguments(Kind::kWasmedge),
              ElementsAre("/rt", "--env", "A=b", "--dir", "/:/src", "/src/builddir/wasi/python.wasm", "-c", "x"));
  EXPECT_THAT(Arguments(Kind::kOldNode),
              ElementsAre("/rt", "--no-warnings", "--experimental-wasi-unstable-preview1", "/n.mjs", "run", "--env",
                          "A=b", "--dir", "/src::/", "--", "/src/builddir/wasi/python.wasm", "-c", "x"));
}

// What helps to find a mistake, in the words of each.
TEST(LocalRuntime, DebugFlagsOfRuntimes) {
  EXPECT_EQ(Arguments(Kind::kOldWasmtime, /*debug=*/true)[2], "-g");
  EXPECT_THAT(Arguments(Kind::kWasmtime, /*debug=*/true), ::testing::IsSupersetOf({"-D", "debug-info=y"}));
  EXPECT_EQ(Arguments(Kind::kNode, /*debug=*/true)[1], "--stack-trace-limit=100");
  // wasmtime's log is wanted by a variable, of another name since 15.
  const auto log = LogVariables({Kind::kWasmtime, "/rt"});
  EXPECT_EQ(log.at("RUST_LOG"), "wasi_common=trace");
  EXPECT_EQ(log.at("WASMTIME_LOG"), "wasi_common=trace,wasmtime_wasi=trace");
  EXPECT_EQ(LogVariables({Kind::kOldWasmtime, "/rt"}), log);
  EXPECT_TRUE(LogVariables({Kind::kNode, "/rt"}).empty());
}

// A node of its own on PATH, which knows one flag.
class NodeProgram : public ::testing::Test {
 protected:
  NodeProgram() {
    std::string name = ::testing::TempDir() + "/node-XXXXXX";
    folder_ = ::mkdtemp(name.data());
    std::ofstream(folder_ + "/node") << "#!/bin/sh\ncase $1 in --new) exit 0 ;; *) exit 9 ;; esac\n";
    ::chmod((folder_ + "/node").c_str(), 0755);
    path_ = ::getenv("PATH");
    ::setenv("PATH", folder_.c_str(), 1);
  }
  ~NodeProgram() override {
    ::setenv("PATH", path_.c_str(), 1);
    std::filesystem::remove_all(folder_);
  }
  std::string folder_, path_;
};

// A program that brings its own runtime along is run by node, in place, with the flags that this node takes.
TEST_F(NodeProgram, IsRunWithTheFlagsThatNodeTakes) {
  wasmagent::v1::Runner runner;
  runner.set_runtime("node");
  runner.set_program("builddir/t/python.js");
  runner.add_flags("--old");
  runner.add_flags("--new");
  auto argv = NodeArguments(runner, "/src", {"-c", "x"}, /*debug=*/false);
  ASSERT_TRUE(argv.ok()) << argv.status();
  EXPECT_THAT(*argv, ElementsAre(folder_ + "/node", "--new", "/src/builddir/t/python.js", "-c", "x"));
  EXPECT_EQ((*NodeArguments(runner, "/src", {}, /*debug=*/true))[1], "--enable-source-maps");
  std::filesystem::remove(folder_ + "/node");
  EXPECT_TRUE(absl::IsNotFound(NodeArguments(runner, "/src", {}, /*debug=*/false).status()));
}

// A program of 64 bits is not given to a node that would stop with "invalid opcode"; an activated emsdk's is looked at
// first.
TEST_F(NodeProgram, SixtyFourBitsWantANewNode) {
  wasmagent::v1::Runner runner;
  runner.set_program("python.js");
  runner.add_flags("--experimental-wasm-memory64");
  auto old = NodeArguments(runner, "/src", {}, /*debug=*/false);
  EXPECT_TRUE(absl::IsNotFound(old.status()));
  EXPECT_THAT(std::string(old.status().message()), ::testing::HasSubstr("which node 23 and newer run"));
  const std::string newer = folder_ + "/newer";
  std::ofstream(newer) << "#!/bin/sh\ncase $1 in --version) echo v24.1.0 ;; *) exit 9 ;; esac\n";
  ::chmod(newer.c_str(), 0755);
  ::setenv("EMSDK_NODE", newer.c_str(), 1);
  EXPECT_THAT(*NodeArguments(runner, "/src", {}, /*debug=*/false), ElementsAre(newer, "/src/python.js"));
  ::unsetenv("EMSDK_NODE");
}

// Rule: a wasmtime that is too old or misreads its folders is passed over, and told of where nothing else is there.
TEST_F(NodeProgram, WasmtimesThatCannotBeUsed) {
  const auto kind = [&](const std::string& version) {
    std::ofstream(folder_ + "/wasmtime") << "#!/bin/sh\necho 'wasmtime " << version << "'\n";
    ::chmod((folder_ + "/wasmtime").c_str(), 0755);
    return FindRuntime()->kind;
  };
  EXPECT_EQ(kind("0.38.0"), Kind::kOldWasmtime);
  EXPECT_EQ(kind("14.0.4 (f7a7bd3 2023-10-20)"), Kind::kWasmtime);
  EXPECT_EQ(kind("14.0.2"), Kind::kOldNode);
  EXPECT_EQ(kind("0.37.0"), Kind::kOldNode);
  EXPECT_THAT(std::string(FindRuntime("wasmtime").status().message()), ::testing::HasSubstr("is wasmtime 0.37.0"));
  std::filesystem::remove(folder_ + "/node");
  EXPECT_THAT(std::string(FindRuntime().status().message()), ::testing::HasSubstr("is wasmtime 0.37.0"));
}

// Rule: a runtime that is asked for by name is taken although another comes first, and no other is taken for it.
TEST_F(NodeProgram, ARuntimeByName) {
  EXPECT_EQ(FindRuntime("node")->kind, Kind::kOldNode);
  EXPECT_TRUE(absl::IsNotFound(FindRuntime("wasmedge").status()));
  std::ofstream(folder_ + "/wasmedge") << "#!/bin/sh\n";
  ::chmod((folder_ + "/wasmedge").c_str(), 0755);
  EXPECT_EQ(FindRuntime("wasmedge")->kind, Kind::kWasmedge);
  EXPECT_EQ(FindRuntime()->kind, Kind::kOldNode);
}

}  // namespace
}  // namespace wasmagent::client
