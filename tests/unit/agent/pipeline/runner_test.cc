#include "agent/pipeline/runner.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace wasmagent::pipeline {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

RunnerSpec Python() {
  return {"wasi", "builddir/wasi/python.wasm", {{"PYTHONHOME", "/"}}, {{"/", ""}, {"/out", "builddir"}}};
}

Runtime Make(const std::string& name, const std::string& version) {
  return {name, "/bin/" + name, version, {"/bin/" + name}, ""};
}

// Rule: each runtime gets folders and environment in its own words.
TEST(Runner, EachRuntimeInItsOwnWords) {
  EXPECT_THAT(*RunnerArgv(Python(), {Make("wasmtime", "27.0.0")}, "/co", {"-c", "1"}),
              ElementsAre("/bin/wasmtime", "run", "--wasm", "max-wasm-stack=8388608", "--env", "PYTHONHOME=/", "--dir",
                          "/co::/", "--dir", "/co/builddir::/out", "--", "/co/builddir/wasi/python.wasm", "-c", "1"));
  EXPECT_THAT(*RunnerArgv(Python(), {Make("wasmtime", "13.0.1")}, "/co", {}),
              ElementsAre("/bin/wasmtime", "run", "--env", "PYTHONHOME=/", "--mapdir", "/::/co", "--mapdir",
                          "/out::/co/builddir", "--", "/co/builddir/wasi/python.wasm"));
  EXPECT_THAT(*RunnerArgv(Python(), {Make("wasmedge", "0.14.1")}, "/co", {"x"}),
              ElementsAre("/bin/wasmedge", "--env", "PYTHONHOME=/", "--dir", "/:/co", "--dir", "/out:/co/builddir",
                          "/co/builddir/wasi/python.wasm", "x"));
  const Runtime node = {"node", "/bin/node", "20.0.0", {"/bin/node", "--no-warnings", "/s/node-wasi.mjs"}, ""};
  EXPECT_THAT(*RunnerArgv(Python(), {node}, ".", {}),
              ElementsAre("/bin/node", "--no-warnings", "/s/node-wasi.mjs", "run", "--env", "PYTHONHOME=/", "--dir",
                          ".::/", "--dir", "builddir::/out", "--", "builddir/wasi/python.wasm"));
}

// Rule: a native program is its own path; a script for node runs in node itself.
TEST(Runner, NativeAndNode) {
  RunnerSpec runner = Python();
  runner.runtime = "native";
  EXPECT_THAT(*RunnerArgv(runner, {}, "/co", {"a"}), ElementsAre("/co/builddir/wasi/python.wasm", "a"));
  runner.runtime = "node";
  EXPECT_THAT(*RunnerArgv(runner, {Make("node", "20.0.0")}, "/co", {}),
              ElementsAre("/bin/node", "/co/builddir/wasi/python.wasm"));
  EXPECT_FALSE(RunnerArgv(runner, {}, "/co", {}).ok());
}

// Rule: a runtime with a problem is passed over; when none is left, the message says why and what to install.
TEST(Runner, BadRuntimesArePassedOver) {
  Runtime bad = Make("wasmtime", "14.0.1");
  bad.problem = "misreads --dir";
  EXPECT_EQ(ChooseRuntime({bad, Make("wasmedge", "0.14.1")})->name, "wasmedge");
  const auto none = ChooseRuntime({bad});
  EXPECT_EQ(none.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(none.status().message()), HasSubstr("misreads --dir"));
  EXPECT_THAT(std::string(none.status().message()), HasSubstr("apt-get install nodejs"));
}

}  // namespace
}  // namespace wasmagent::pipeline
