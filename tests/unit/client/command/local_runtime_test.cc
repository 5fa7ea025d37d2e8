#include "client/command/local_runtime.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace wasmagent::client {
namespace {

using ::testing::ElementsAre;
using Kind = LocalRuntime::Kind;

std::vector<std::string> Arguments(Kind kind) {
  wasmagent::v1::Runner runner;
  runner.set_program("builddir/wasi/python.wasm");
  (*runner.mutable_env())["A"] = "b";
  (*runner.mutable_directories())["/"] = "";
  return RuntimeArguments({kind, "/rt"}, runner, "/src", "/n.mjs", {"-c", "x"});
}

// Each runtime gets the checkout mapped and the environment in its own spelling.
TEST(LocalRuntime, SpellingsOfRuntimes) {
  EXPECT_THAT(Arguments(Kind::kWasmtime), ElementsAre("/rt", "run", "--env", "A=b", "--dir", "/src::/", "--",
                                                      "/src/builddir/wasi/python.wasm", "-c", "x"));
  EXPECT_THAT(Arguments(Kind::kOldWasmtime), ElementsAre("/rt", "run", "--env", "A=b", "--mapdir", "/::/src", "--",
                                                         "/src/builddir/wasi/python.wasm", "-c", "x"));
  EXPECT_THAT(Arguments(Kind::kWasmedge),
              ElementsAre("/rt", "--env", "A=b", "--dir", "/:/src", "/src/builddir/wasi/python.wasm", "-c", "x"));
  EXPECT_THAT(Arguments(Kind::kOldNode),
              ElementsAre("/rt", "--no-warnings", "--experimental-wasi-unstable-preview1", "/n.mjs", "run", "--env",
                          "A=b", "--dir", "/src::/", "--", "/src/builddir/wasi/python.wasm", "-c", "x"));
}

}  // namespace
}  // namespace wasmagent::client
