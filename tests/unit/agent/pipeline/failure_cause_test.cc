#include "agent/pipeline/failure_cause.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace wasmagent::pipeline {
namespace {

using sandbox::CommandResult;
using testing::HasSubstr;
using testing::Not;

// Explains a step that printed `log` and exited with `code`.
FailureCause Explain(std::string_view log, int code, StepKind kind = StepKind::kMake, std::string config_log = "",
                     CommandResult::End end = CommandResult::End::kExited, int jobs = 4) {
  DiagnosticRecogniser recogniser;
  recogniser.Feed(log);
  recogniser.Finish();
  CommandResult result;
  result.end = end;
  result.exit_code = code;
  if (end == CommandResult::End::kSignalled) result.signal = code - 128;
  result.peak_memory_bytes = uint64_t{900} << 20;
  std::string_view tail = log.substr(log.size() > 4096 ? log.size() - 4096 : 0);
  FailedStep step = {.kind = kind,
                     .name = kind == StepKind::kConfigure ? "configure" : "make",
                     .target = "wasi",
                     .result = result,
                     .diagnostics = recogniser,
                     .log_tail = tail,
                     .jobs = jobs,
                     .read_config_log = [&]() -> absl::StatusOr<std::string> {
                       if (config_log.empty()) return absl::NotFoundError("config.log");
                       return config_log;
                     }};
  return ExplainFailure(step);
}

// The first compiler error is lifted out of what follows it.
TEST(FailureCause, TheFirstCompilerError) {
  auto cause = Explain(
      "gcc -c a.c\nModules/a.c:10:5: error: 'x' undeclared\n   10 |     x = 1;\n      |     ^\n"
      "Modules/b.c:1:1: error: other\nmake: *** [Makefile:7: all] Error 2\n",
      2);
  EXPECT_EQ(cause.summary, "wasi: make: Modules/a.c:10:5: 'x' undeclared");
  EXPECT_EQ(cause.excerpt, "   10 |     x = 1;\n      |     ^\n");
  EXPECT_THAT(cause.advice, HasSubstr("first of 3 errors"));
}

// The failing check of configure is named, with its lines of config.log: the compiler's own words, and the program
// without its standard head.
TEST(FailureCause, TheFailingConfigureCheck) {
  const std::string config_log =
      "This file contains any messages produced by compilers while\n\n  $ ./configure --host=wasm32-unknown-wasi\n\n"
      "configure:3001: checking build system type\nconfigure:3015: result: x86_64-pc-linux-gnu\n"
      "configure:4567: checking whether the C compiler works\n"
      "configure:4589: clang   conftest.c  >&5\n"
      "wasm-ld: error: cannot open crt1-command.o: No such file or directory\n"
      "clang: error: linker command failed with exit code 1 (use -v to see invocation)\n"
      "configure:4593: $? = 1\n"
      "configure:4631: result: no\n"
      "configure: failed program was:\n"
      "| /* confdefs.h */\n| #define PACKAGE_NAME \"python\"\n| /* end confdefs.h.  */\n| int main (void) { return 0; "
      "}\n"
      "configure:4636: error: in `/src/builddir/wasi':\n"
      "configure:4638: error: C compiler cannot create executables\n"
      "See `config.log' for more details\n\n## ---------------- ##\n## Cache variables. ##\nac_cv_build=x86_64\n";
  auto cause = Explain(
      "checking build system type... x86_64-pc-linux-gnu\nchecking whether the C compiler works... no\n"
      "configure: error: in `/src/builddir/wasi':\nconfigure: error: C compiler cannot create executables\n",
      77, StepKind::kConfigure, config_log);
  EXPECT_EQ(cause.summary,
            "wasi: configure: C compiler cannot create executables (checking whether the C compiler works)");
  EXPECT_THAT(cause.excerpt, HasSubstr("wasm-ld: error: cannot open crt1-command.o"));
  EXPECT_THAT(cause.excerpt, HasSubstr("| int main (void)"));
  EXPECT_THAT(cause.excerpt, Not(HasSubstr("PACKAGE_NAME")));
  EXPECT_THAT(cause.excerpt, Not(HasSubstr("ac_cv_build")));
  EXPECT_THAT(cause.excerpt, Not(HasSubstr("checking build system type")));
}

// A refusal without a check that failed shows the check before it.
TEST(FailureCause, ConfigureRefuses) {
  auto cause = Explain("configure: error: WASI needs --with-build-python\n", 1, StepKind::kConfigure,
                       "configure:100: checking for --with-build-python\nconfigure:110: result: no\n"
                       "configure:120: error: WASI needs --with-build-python\n");
  EXPECT_EQ(cause.summary, "wasi: configure: WASI needs --with-build-python (checking for --with-build-python)");
}

// Without config.log (CMake, or it is gone) what was printed has to do.
TEST(FailureCause, ConfigureWithoutItsLog) {
  auto cause =
      Explain("CMake Error at CMakeLists.txt:3 (find_package):\n  Could not find Zlib\n", 1, StepKind::kConfigure);
  EXPECT_EQ(cause.summary, "wasi: configure: CMakeLists.txt:3: Could not find Zlib");
}

// A very long check is shortened in the middle.
TEST(ReadConfigLog, LongChecksAreShortened) {
  std::string log = "configure:1: checking x\n";
  for (int i = 0; i < 1000; ++i) log += "conftest.c:" + std::to_string(i) + ": warning\n";
  log += "configure:2: error: no x\n";
  ConfigureFailure failure = ReadConfigLog(log);
  EXPECT_EQ(failure.check, "x");
  EXPECT_THAT(failure.excerpt, HasSubstr("lines left out]"));
  EXPECT_THAT(failure.excerpt, HasSubstr("configure:2: error: no x"));
  EXPECT_LT(failure.excerpt.size(), 4096u);
}

// A config.log that is empty, or not one, is no failure of ours.
TEST(ReadConfigLog, ToleratesAnything) {
  for (const char* text :
       {"", "\n\n", "configure:", "configure:1", "configure:1: ", "configure:x: error: y", "configure:1: error: "}) {
    EXPECT_EQ(ReadConfigLog(text).check, "") << text;
  }
}

// Out of memory beats the compiler's confused words, and advises fewer jobs.
TEST(FailureCause, OutOfMemory) {
  auto cause = Explain(
      "g++: fatal error: Killed signal terminated program cc1plus\ncompilation terminated.\nmake: *** [Makefile:3: "
      "a.o] Error 1\n",
      2, StepKind::kMake, "", CommandResult::End::kOutOfMemory);
  EXPECT_EQ(cause.summary, "wasi: make: out of memory");
  EXPECT_THAT(cause.advice, HasSubstr("--jobs 2"));
  EXPECT_THAT(cause.excerpt, HasSubstr("cc1plus"));
  EXPECT_THAT(cause.excerpt, HasSubstr("900 MiB"));
  cause = Explain("virtual memory exhausted: Cannot allocate memory\n", 1, StepKind::kMake, "",
                  CommandResult::End::kExited, 1);
  EXPECT_THAT(cause.summary, HasSubstr("out of memory"));
  EXPECT_THAT(cause.advice, HasSubstr("more memory"));
  cause = Explain("", 137, StepKind::kMake, "", CommandResult::End::kSignalled);
  EXPECT_THAT(cause.summary, HasSubstr("perhaps"));
}

// A full disk is the agent's, not the code's.
TEST(FailureCause, DiskFull) {
  auto cause = Explain("/tmp/x.s: fatal error: error writing to a.o: No space left on device\n", 1);
  EXPECT_EQ(cause.summary, "wasi: make: the agent's disk is full");
  EXPECT_THAT(cause.advice, HasSubstr("free space"));
}

// A missing program is named, whoever noticed it.
TEST(FailureCause, MissingProgram) {
  for (const char* log :
       {"/bin/sh: 1: flex: not found\nmake: *** [Makefile:3: x] Error 127\n", "bash: line 3: flex: command not found\n",
        "make: flex: No such file or directory\nmake: *** [Makefile:3: x] Error 127\n",
        "env: 'flex': No such file or directory\n"}) {
    auto cause = Explain(log, std::string_view(log).find("make") == std::string_view::npos ? 127 : 2);
    EXPECT_EQ(cause.summary, "wasi: make: flex: no such program on the agent") << log;
    EXPECT_THAT(cause.advice, HasSubstr("install flex"));
  }
}

// "not found" in the output of a configure that failed for another reason is no missing program.
TEST(FailureCause, NotFoundAloneIsNoMissingProgram) {
  auto cause = Explain("checking for flex: not found\nconfigure: error: stop here\n", 1, StepKind::kConfigure);
  EXPECT_EQ(cause.summary, "wasi: configure: configure: stop here");
}

// When nothing is recognised, the exit code and the last lines have to do.
TEST(FailureCause, TheEndOfTheLog) {
  std::string log;
  for (int i = 0; i < 100; ++i) log += "line " + std::to_string(i) + "\n";
  auto cause = Explain(log, 3);
  EXPECT_EQ(cause.summary, "wasi: make: failed with exit code 3");
  EXPECT_THAT(cause.excerpt, HasSubstr("line 80\n"));
  EXPECT_THAT(cause.excerpt, Not(HasSubstr("line 79\n")));
  EXPECT_EQ(Explain("", 139, StepKind::kRun, "", CommandResult::End::kSignalled).summary,
            "wasi: make: ended by signal 11");
}

// Time and cancel are told as what they are.
TEST(FailureCause, TimeAndCancel) {
  EXPECT_THAT(Explain("a.c:1:1: error: x\n", 143, StepKind::kMake, "", CommandResult::End::kTimedOut).summary,
              HasSubstr("time ran out"));
  EXPECT_THAT(Explain("", 143, StepKind::kMake, "", CommandResult::End::kCancelled).summary, HasSubstr("cancelled"));
}

}  // namespace
}  // namespace wasmagent::pipeline
