#include "agent/pipeline/limitations.h"

#include "agent/pipeline/embedded_texts.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace wasmagent::pipeline {
namespace {

using testing::HasSubstr;
using testing::SizeIs;
using testing::StartsWith;

constexpr char kHead[] = "version: 1\nlimitations:\n";
constexpr char kOne[] =
    "  - name: sockets\n    toolchains: [wasi]\n    section: Network stack\n    explanation: no sockets\n"
    "    signatures: [\"No module named '_socket'\"]\n";

std::string Problem(const std::string& text) {
  auto table = LimitationTable::Parse(text, "table.yaml");
  return table.ok() ? "" : std::string(table.status().message());
}

// The table that the agent comes with is right, and has something for both toolchains.
TEST(LimitationTable, TheBuiltInOneIsRight) {
  auto table = LimitationTable::Parse(EmbeddedTexts().at("limitations.yaml"), "limitations.yaml");
  ASSERT_TRUE(table.ok()) << table.status();
  EXPECT_GT(table->all().size(), 10U);
  EXPECT_EQ(LimitationTable::BuiltIn().all().size(), table->all().size());
  for (const char* toolchain : {"wasi", "emscripten"}) {
    EXPECT_NE(table->Find(toolchain, "RuntimeError: memory access out of bounds"), nullptr) << toolchain;
  }
}

// What each of the README's sections tells of shows in what programs print.
TEST(LimitationTable, TheBuiltInOneKnowsTheReadme) {
  struct Case {
    const char* toolchain;
    const char* line;
    const char* section;
  };
  for (const Case& expected : std::vector<Case>{
           {"wasi", "ModuleNotFoundError: No module named '_socket'", "WASI limitations and issues"},
           {"emscripten", "ModuleNotFoundError: No module named '_socket'", "Network stack"},
           {"emscripten", "BlockingIOError: [Errno 6] Resource temporarily unavailable", "Network stack"},
           {"wasi", "OSError: [Errno 58] wasi does not support processes.", "processes, signals"},
           {"emscripten", "OSError: [Errno 138] emscripten does not support processes.", "processes, signals"},
           {"wasi", "OSError: [Errno 58] Not supported", "WASI limitations and issues"},
           {"emscripten", "OSError: [Errno 138] Not supported", "file system"},
           {"wasi", "signal.h:2: error: \"wasm lacks signal support; to enable\"", "processes, signals"},
           {"wasi", "RuntimeError: can't start new thread", "threading"},
           {"emscripten", "RangeError: Maximum call stack size exceeded", "Misc"},
           {"wasi", "    wasm trap: call stack exhausted", "Misc"},
           {"emscripten", "wasm-ld: error: a.o: undefined symbol: dlopen", "Misc"},
           {"wasi", "ModuleNotFoundError: No module named '_ctypes'", "Misc"},
           {"wasi", "ModuleNotFoundError: No module named 'fcntl'", "WASI limitations and issues"},
           {"emscripten", "ModuleNotFoundError: No module named 'pwd'", "file system"},
       }) {
    const Limitation* found = LimitationTable::BuiltIn().Find(expected.toolchain, expected.line);
    ASSERT_NE(found, nullptr) << expected.line;
    EXPECT_EQ(found->section, expected.section) << expected.line;
    EXPECT_THAT(found->Advice(), HasSubstr(expected.section));
  }
}

// Ordinary output, and other toolchains, are left alone.
TEST(LimitationTable, LeavesTheRestAlone) {
  for (const char* line : {"", "checking for fork... no", "wasm-ld: error: a.o: undefined symbol: forklift",
                           "gcc -c socket.c -o socket.o", "skipped \"No module named '_socket'\""}) {
    EXPECT_EQ(LimitationTable::BuiltIn().Find("wasi", line), nullptr) << line;
  }
  EXPECT_EQ(LimitationTable::BuiltIn().Find("native", "RuntimeError: can't start new thread"), nullptr);
}

// Of two that fit, the upper one counts.
TEST(LimitationTable, TheUpperOneCounts) {
  std::string second = kOne;
  second.replace(second.find("sockets"), 7, "general");
  second.replace(second.find("No module named '_socket'"), 25, "No module named");
  auto table = LimitationTable::Parse(kHead + std::string(kOne) + second, "table.yaml");
  ASSERT_TRUE(table.ok()) << table.status();
  EXPECT_THAT(table->all(), SizeIs(2));
  EXPECT_EQ(table->Find("wasi", "No module named '_socket'")->name, "sockets");
  EXPECT_EQ(table->Find("wasi", "No module named 'x'")->name, "general");
}

// Stars stand for anything, "$" for the end of the line.
TEST(HasSignature, StarsAndEnds) {
  EXPECT_TRUE(HasSignature("a: memory allocation of 12 bytes failed!", "memory allocation of * bytes failed"));
  EXPECT_FALSE(HasSignature("bytes failed, memory allocation of ", "memory allocation of * bytes failed"));
  EXPECT_TRUE(HasSignature("undefined symbol: fork", "undefined symbol: fork$"));
  EXPECT_FALSE(HasSignature("undefined symbol: forked", "undefined symbol: fork$"));
  EXPECT_TRUE(HasSignature("x a b", "a*b$"));
  EXPECT_FALSE(HasSignature("x a b c", "a*b$"));
  // What the star has taken is not taken again.
  EXPECT_FALSE(HasSignature("ab", "ab*b$"));
}

// A mistake is an error that names its place.
TEST(LimitationTable, MistakesAreNamedWithTheirPlace) {
  EXPECT_EQ(Problem(kHead + std::string(kOne)), "");
  auto with = [](const std::string& from, const std::string& to) {
    std::string text = kHead + std::string(kOne);
    return text.replace(text.find(from), from.size(), to);
  };
  EXPECT_THAT(Problem(with("Network stack", "Network stak")), StartsWith("table.yaml:5:14: "));
  EXPECT_THAT(Problem(with("Network stack", "Network stak")), HasSubstr("Network stack"));
  EXPECT_THAT(Problem(with("[wasi]", "[wasy]")), HasSubstr("unknown toolchain 'wasy'"));
  EXPECT_THAT(Problem(with("[wasi]", "[]")), HasSubstr("'toolchains' is empty"));
  EXPECT_THAT(Problem(with("explanation: no", "explanations: no")), StartsWith("table.yaml:6:5: unknown key"));
  EXPECT_THAT(Problem(with("no sockets", "no sockets.")), HasSubstr("full stop"));
  EXPECT_THAT(Problem(with("No module named '_socket'", "short")), StartsWith("table.yaml:7:18: signature 'short'"));
  EXPECT_THAT(Problem(with("No module named '_socket'", "No * module named")), HasSubstr("too short"));
  EXPECT_THAT(Problem(with("version: 1", "version: 2")), HasSubstr("'version' must be 1"));
  EXPECT_THAT(Problem(with("toolchains: [wasi]", "toolchains: [wasi")), StartsWith("table.yaml:"));
  EXPECT_THAT(Problem(kHead + std::string(kOne) + kOne), HasSubstr("'sockets' stands twice"));
  std::string again = kOne;
  again.replace(again.find("sockets"), 7, "another");
  EXPECT_THAT(Problem(kHead + std::string(kOne) + again), HasSubstr("stands in 'sockets' already"));
}

}  // namespace
}  // namespace wasmagent::pipeline
