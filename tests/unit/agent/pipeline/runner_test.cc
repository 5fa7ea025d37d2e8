#include "agent/pipeline/runner.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "platform/install_advice.h"

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
  EXPECT_THAT(RuntimePrefix(Make("wasmtime", "27.0.0"), Python(), "/co"),
              ElementsAre("/bin/wasmtime", "run", "--wasm", "max-wasm-stack=8388608", "--env", "PYTHONHOME=/", "--dir",
                          "/co::/", "--dir", "/co/builddir::/out", "--"));
  EXPECT_THAT(RuntimePrefix(Make("wasmtime", "13.0.1"), Python(), "/co"),
              ElementsAre("/bin/wasmtime", "run", "--env", "PYTHONHOME=/", "--mapdir", "/::/co", "--mapdir",
                          "/out::/co/builddir", "--"));
  EXPECT_THAT(RuntimePrefix(Make("wasmedge", "0.14.1"), Python(), "/co"),
              ElementsAre("/bin/wasmedge", "--env", "PYTHONHOME=/", "--dir", "/:/co", "--dir", "/out:/co/builddir"));
  const Runtime node = {"node", "/bin/node", "20.0.0", {"/bin/node", "--no-warnings", "/s/node-wasi.mjs"}, ""};
  EXPECT_THAT(RuntimePrefix(node, Python(), "."),
              ElementsAre("/bin/node", "--no-warnings", "/s/node-wasi.mjs", "run", "--env", "PYTHONHOME=/", "--dir",
                          ".::/", "--dir", "builddir::/out", "--"));
}

// Rule: a runtime with a problem is passed over; when none is left, the message says why and what to install.
TEST(Runner, BadRuntimesArePassedOver) {
  Runtime bad = Make("wasmtime", "14.0.1");
  bad.problem = "misreads --dir";
  EXPECT_EQ(ChooseRuntime({bad, Make("wasmedge", "0.14.1")})->name, "wasmedge");
  const auto none = ChooseRuntime({bad});
  EXPECT_EQ(none.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(none.status().message()), HasSubstr("misreads --dir"));
  EXPECT_THAT(std::string(none.status().message()), HasSubstr(platform::InstallAdvice({"nodejs", "nodejs"})));
}

}  // namespace
}  // namespace wasmagent::pipeline
