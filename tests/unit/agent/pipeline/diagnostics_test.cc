#include "agent/pipeline/diagnostics.h"

#include "agent/pipeline/output_lines.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace wasmagent::pipeline {
namespace {

using testing::ElementsAre;

// A build with everything in it, as make prints it.
constexpr char kLog[] =
    "gcc -c -o a.o a.c\n"
    "In file included from Include/Python.h:12,\n"
    "                 from Modules/a.c:3:\n"
    "Include/pyport.h:7:2: warning: #warning \"odd\" [-Wcpp]\n"
    "    7 | #warning \"odd\"\n"
    "      |  ^~~~~~~\n"
    "\x1b[01m\x1b[KModules/a.c:\x1b[m\x1b[K In function '\x1b[01m\x1b[Kf\x1b[m\x1b[K':\n"
    "\x1b[01m\x1b[KModules/a.c:10:5:\x1b[m\x1b[K \x1b[01;31m\x1b[Kerror: \x1b[m\x1b[K'x' undeclared (first use in this "
    "function)\n"
    "   10 |     x = 1;\n"
    "      |     \x1b[01;31m\x1b[K^\x1b[m\x1b[K\n"
    "Modules/a.c:10:5: note: each undeclared identifier is reported only once\n"
    "make[1]: *** [Makefile:42: Modules/a.o] Error 1\n"
    "make: *** [Makefile:7: all] Error 2\n";

std::vector<Diagnostic> RecogniseAll(std::string_view log, size_t step, DiagnosticRecogniser& recogniser) {
  std::vector<Diagnostic> all;
  OutputLines lines;
  auto take = [&](std::string_view line) {
    for (Diagnostic& diagnostic : recogniser.Take(line)) all.push_back(std::move(diagnostic));
  };
  for (size_t at = 0; at < log.size(); at += step) lines.Feed(log.substr(at, step), take);
  lines.Finish(take);
  for (Diagnostic& diagnostic : recogniser.Finish()) all.push_back(std::move(diagnostic));
  return all;
}

// However the output is cut, the same messages come out of it, without colours.
TEST(DiagnosticRecogniser, CutsDoNotMatter) {
  for (size_t step : {1, 2, 3, 7, 64, 100000}) {
    DiagnosticRecogniser recogniser;
    auto found = RecogniseAll(kLog, step, recogniser);
    ASSERT_EQ(found.size(), 5u) << step;
    EXPECT_EQ(found[0].severity, Severity::kWarning);
    EXPECT_EQ(found[0].file, "Include/pyport.h");
    EXPECT_EQ(found[1].file, "Modules/a.c");
    EXPECT_EQ(found[1].line, 10u);
    EXPECT_EQ(found[1].column, 5u);
    EXPECT_EQ(found[1].text, "'x' undeclared (first use in this function)");
    EXPECT_EQ(found[2].severity, Severity::kNote);
    EXPECT_TRUE(found[3].consequence);
    EXPECT_EQ(found[4].text, "make: [Makefile:7: all] Error 2");
    EXPECT_EQ(recogniser.errors(), 3u);
    EXPECT_EQ(recogniser.warnings(), 1u);
  }
}

// The first error comes with the lines in which the compiler shows it.
TEST(DiagnosticRecogniser, FirstErrorHasItsSource) {
  DiagnosticRecogniser recogniser;
  RecogniseAll(kLog, 5, recogniser);
  ASSERT_TRUE(recogniser.first_error().has_value());
  EXPECT_EQ(recogniser.first_error()->diagnostic.line, 10u);
  EXPECT_THAT(recogniser.first_error()->source, ElementsAre("   10 |     x = 1;", "      |     ^"));
}

// clang before 19 shows source without a gutter.
TEST(DiagnosticRecogniser, ClangsSourceLines) {
  DiagnosticRecogniser recogniser;
  RecogniseAll(
      "a.c:2:10: fatal error: 'pwd.h' file not found\n#include <pwd.h>\n         ^~~~~~~\n1 error generated.\n", 9,
      recogniser);
  ASSERT_TRUE(recogniser.first_error().has_value());
  EXPECT_EQ(recogniser.first_error()->diagnostic.text, "'pwd.h' file not found");
  EXPECT_THAT(recogniser.first_error()->source, ElementsAre("#include <pwd.h>", "         ^~~~~~~"));
}

// What only follows from another error is not the first error, even when it is printed first (make -k, -j).
TEST(DiagnosticRecogniser, ACauseBeatsItsConsequences) {
  DiagnosticRecogniser recogniser;
  RecogniseAll("make[1]: *** [Makefile:9: b.o] Error 1\na.c:1:1: error: real\n", 1000, recogniser);
  EXPECT_EQ(recogniser.first_error()->diagnostic.text, "real");
  DiagnosticRecogniser alone;
  RecogniseAll("make[1]: *** [Makefile:9: b.o] Error 1\n", 1000, alone);
  EXPECT_EQ(alone.first_error()->diagnostic.text, "make: [Makefile:9: b.o] Error 1");
}

struct LineCase {
  std::string line;
  std::string file;
  uint32_t number;
  uint32_t column;
  std::string text;
};

// Each program's form of a message.
TEST(RecogniseLine, KnowsTheForms) {
  const std::vector<LineCase> cases = {
      {"a b.c:3:4: error: x", "a b.c", 3, 4, "x"},
      {"../Modules/a.c:3: error: x", "../Modules/a.c", 3, 0, "x"},
      {"a.cc:1:2: fatal error: x: No such file or directory", "a.cc", 1, 2, "x: No such file or directory"},
      {"/tmp/cc1.s:5: Error: no such instruction: `f'", "/tmp/cc1.s", 5, 0, "no such instruction: `f'"},
      {"wasm-ld: error: a.o: undefined symbol: f", "", 0, 0, "wasm-ld: a.o: undefined symbol: f"},
      {"/usr/lib/llvm-14/bin/wasm-ld: error: cannot open crt1.o", "", 0, 0, "wasm-ld: cannot open crt1.o"},
      {"configure: error: no acceptable C compiler found in $PATH", "", 0, 0,
       "configure: no acceptable C compiler found in $PATH"},
      {"error: could not compile", "", 0, 0, "could not compile"},
      {"/usr/bin/ld: main.c:(.text+0x5): undefined reference to `f'", "main.c", 0, 0, "undefined reference to `f'"},
      {"main.c:12: undefined reference to `f'", "main.c", 12, 0, "undefined reference to `f'"},
      {"/usr/bin/ld: cannot find -lx: No such file or directory", "", 0, 0,
       "ld: cannot find -lx: No such file or directory"},
      {"/usr/bin/ld: b.o:(.bss+0x0): multiple definition of `x'; a.o:(.bss+0x0): first defined here", "b.o", 0, 0,
       "multiple definition of `x'; a.o:(.bss+0x0): first defined here"},
      {"make: *** No rule to make target 'x', needed by 'all'.  Stop.", "", 0, 0,
       "make: No rule to make target 'x', needed by 'all'.  Stop."},
      {"Makefile:3: *** missing separator.  Stop.", "Makefile", 3, 0, "missing separator.  Stop."},
      {"CMake Error: The source directory does not exist", "", 0, 0, "The source directory does not exist"},
  };
  for (const LineCase& expected : cases) {
    auto found = RecogniseLine(expected.line);
    ASSERT_TRUE(found.has_value()) << expected.line;
    EXPECT_EQ(found->file, expected.file) << expected.line;
    EXPECT_EQ(found->line, expected.number) << expected.line;
    EXPECT_EQ(found->column, expected.column) << expected.line;
    EXPECT_EQ(found->text, expected.text) << expected.line;
    EXPECT_EQ(found->severity, Severity::kError);
    EXPECT_FALSE(found->consequence) << expected.line;
  }
}

// A linker's summary is a consequence of what it printed before.
TEST(RecogniseLine, LinkersSummariesAreConsequences) {
  for (const char* line :
       {"collect2: error: ld returned 1 exit status", "clang: error: linker command failed with exit code 1"}) {
    auto found = RecogniseLine(line);
    ASSERT_TRUE(found.has_value());
    EXPECT_TRUE(found->consequence);
  }
}

// Ordinary output that mentions errors is left alone.
TEST(RecogniseLine, LeavesTheRestAlone) {
  for (const char* line :
       {"", "checking for error... no", "gcc -Werror -c error.c", "test_error: ok", "echo 'this is an error: really'",
        "| #error: x", "0 errors", "no error: all is well", "Compiling warning: module", "****: *** x"}) {
    EXPECT_FALSE(RecogniseLine(line).has_value()) << line;
  }
}

// CMake's text comes below its place, indented, after an empty line or not.
TEST(DiagnosticRecogniser, CMakeTellsItsTextBelow) {
  DiagnosticRecogniser recogniser;
  auto found = RecogniseAll(
      "CMake Error at cmake/x.cmake:17 (find_package):\n  Could not find Zlib\n  (missing)\n\n"
      "CMake Warning at CMakeLists.txt:2:\n\n  old\nCMake Error at a.txt:1 (f):\n",
      4, recogniser);
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found[0].file, "cmake/x.cmake");
  EXPECT_EQ(found[0].line, 17u);
  EXPECT_EQ(found[0].text, "Could not find Zlib");
  EXPECT_EQ(found[1].severity, Severity::kWarning);
  EXPECT_EQ(found[1].line, 2u);
  EXPECT_EQ(found[1].text, "old");
  EXPECT_EQ(found[2].line, 1u);
}

}  // namespace
}  // namespace wasmagent::pipeline
