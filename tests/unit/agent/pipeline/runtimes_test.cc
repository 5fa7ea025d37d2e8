#include "agent/pipeline/runtimes.h"

#include "agent/pipeline/install_commands.h"
#include "agent/pipeline/probe_command.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/agent/pipeline/fake_machine.h"

namespace wasmagent::pipeline {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Programs come from the scratch folder; cat and sh from the system, whose own runtimes must not be found.
std::string PathOf(const ScratchFolder& scratch) {
  std::filesystem::create_directories(scratch / "bin");
  for (const char* tool : {"sh", "cat"}) {
    if (!std::filesystem::exists(scratch / "bin" + "/" + tool))
      std::filesystem::create_symlink("/bin/" + std::string(tool), scratch / "bin" + "/" + tool);
  }
  return scratch / "bin";
}

// Rule: runtimes come in the order of preference, each with its version.
TEST(Runtimes, FoundInOrder) {
  const ScratchFolder scratch;
  scratch.WriteProgram("bin/wasmedge", "wasmedge version 0.14.1");
  scratch.WriteProgram("bin/wasmtime", "wasmtime 27.0.0 (8eefa236f 2024-11-20)");
  const auto runtimes = ProbeRuntimes(scratch / "state", PathOf(scratch));
  ASSERT_EQ(runtimes.size(), 2u);
  EXPECT_EQ(runtimes[0].name, "wasmtime");
  EXPECT_EQ(runtimes[0].version, "27.0.0");
  EXPECT_EQ(runtimes[0].problem, "");
  EXPECT_EQ(runtimes[1].version, "0.14.1");
  EXPECT_THAT(runtimes[1].command, ElementsAre(scratch / "bin/wasmedge"));
}

// Rule: the releases of wasmtime that misread --dir are not taken; nor is a program that does not answer.
TEST(Runtimes, BrokenOnesAreMarked) {
  const ScratchFolder scratch;
  scratch.WriteProgram("bin/wasmtime", "wasmtime-cli 14.0.3");
  scratch.WriteProgram("bin/wasmedge", "Illegal instruction", 132);
  const auto runtimes = ProbeRuntimes(scratch / "state", PathOf(scratch));
  ASSERT_EQ(runtimes.size(), 2u);
  EXPECT_THAT(runtimes[0].problem, HasSubstr("issues/7415"));
  EXPECT_THAT(runtimes[0].problem, HasSubstr(WasmtimeCommand()));
  EXPECT_THAT(runtimes[1].problem, HasSubstr("exit code 132"));
}

// Rule: wasmtime is of 0.38 or newer.
TEST(Runtimes, OldestWasmtime) {
  const ScratchFolder scratch;
  const auto problem = [&](const std::string& words) {
    scratch.WriteProgram("bin/wasmtime", words);
    return ProbeRuntimes(scratch / "state", PathOf(scratch)).at(0).problem;
  };
  EXPECT_THAT(problem("wasmtime-cli 0.37.0"), HasSubstr("0.37.0 is too old"));
  EXPECT_THAT(problem("wasmtime-cli 0.37.0"), HasSubstr(WasmtimeCommand()));
  EXPECT_EQ(problem("wasmtime-cli 0.38.0"), "");
  EXPECT_EQ(problem("wasmtime-cli 1.0.1"), "");
}

// Rule: whether node needs a flag for node:wasi is found by trying it.
TEST(Runtimes, NodeFlagsAreTried) {
  const ScratchFolder scratch;
  scratch.Write("bin/node",
                "#!/bin/sh\ncase \"$*\" in *unstable-preview1*) echo '(node:1) Warning: v 1.2' >&2; echo 18.20.4 ;; *) "
                "exit 1 ;; esac\n",
                true);
  auto runtimes = ProbeRuntimes(scratch / "state", PathOf(scratch));
  ASSERT_EQ(runtimes.size(), 1u);
  EXPECT_EQ(runtimes[0].version, "18.20.4");
  EXPECT_THAT(runtimes[0].command,
              ElementsAre(scratch / "bin/node", "--no-warnings", "--experimental-wasi-unstable-preview1",
                          scratch / "state/runtimes/node-wasi.mjs"));
  EXPECT_THAT(scratch.Read("state/runtimes/node-wasi.mjs"), HasSubstr("node:wasi"));
  scratch.WriteProgram("bin/node", "16.0.0", 9);
  runtimes = ProbeRuntimes(scratch / "state", PathOf(scratch));
  EXPECT_THAT(runtimes[0].problem, HasSubstr("node 18 or newer is needed"));
  EXPECT_THAT(runtimes[0].problem, HasSubstr(WasmtimeCommand()));
}

// The smallest WASI program that ends with 42: (module (import proc_exit) (func _start: i32.const 42, call)).
const std::string kExit42(
    "\0asm\1\0\0\0"
    "\1\x08\2\x60\1\x7f\0\x60\0\0"
    "\2\x24\1\x16wasi_snapshot_preview1\x09proc_exit\0\0"
    "\3\2\1\1"
    "\5\3\1\0\1"
    "\7\x13\2\6memory\2\0\6_start\0\1"
    "\x0a\x08\1\6\0\x41\x2a\x10\0\x0b",
    8 + 10 + 38 + 4 + 5 + 21 + 10);

// Rule: the runner passes the program's exit code through, refuses what it does not know, and tells wrong files apart.
TEST(Runtimes, NodeRunnerKeepsItsWord) {
  const ScratchFolder scratch;
  const std::string path = "/usr/local/bin:/usr/bin:/bin";
  std::vector<std::string> command;
  for (const Runtime& runtime : ProbeRuntimes(scratch / "state", path)) {
    if (runtime.name == "node" && runtime.problem.empty()) command = runtime.command;
  }
  if (command.empty()) GTEST_SKIP() << "no node on this machine";
  scratch.Write("exit.wasm", kExit42);
  scratch.Write("text.wasm", "no wasm");
  const auto ask = [&](std::vector<std::string> words) {
    words.insert(words.begin(), command.begin(), command.end());
    const auto answer = AskProgram(words, path);
    EXPECT_TRUE(answer.ok()) << answer.status();
    return answer.ok() ? *answer : ProbeAnswer();
  };
  const ProbeAnswer good =
      ask({"run", "--env", "A=B", "--dir", scratch.path() + "::/", "--", scratch / "exit.wasm", "arg"});
  EXPECT_EQ(good.exit_code, 42) << good.errors;
  EXPECT_EQ(good.output + good.errors, "");
  EXPECT_EQ(ask({"--mapdir=/::" + scratch.path(), "--argv0", "x", scratch / "exit.wasm"}).exit_code, 42);
  EXPECT_EQ(ask({"run", "--wasm", "x", scratch / "exit.wasm"}).exit_code, 2);
  EXPECT_EQ(ask({"run"}).exit_code, 2);
  EXPECT_EQ(ask({scratch / "text.wasm"}).exit_code, 126);
  EXPECT_EQ(ask({"--dir", "/no/such/folder::/", scratch / "exit.wasm"}).exit_code, 126);
  EXPECT_THAT(ask({"--version"}).output, HasSubstr("node-wasi 1 (node "));
}

}  // namespace
}  // namespace wasmagent::pipeline
