#include "agent/pipeline/failure_cause.h"

#include "agent/pipeline/output_lines.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace wasmagent::pipeline {
namespace {

using sandbox::CommandResult;
using testing::HasSubstr;
using testing::Not;

// Explains a step that printed `log` and exited with `code`.
FailureCause Explain(std::string_view log, int code, StepKind kind = StepKind::kMake, std::string config_log = "",
                     CommandResult::End end = CommandResult::End::kExited, int jobs = 4,
                     const std::string& toolchain = "wasi") {
  DiagnosticRecogniser recogniser;
  FailureSigns signs(toolchain);
  OutputLines lines;
  auto take = [&](std::string_view line) {
    recogniser.Take(line);
    signs.Take(line);
  };
  lines.Feed(log, take);
  lines.Finish(take);
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
                     .signs = signs,
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
  EXPECT_EQ(cause.summary, "wasi: make: out of memory (cc1plus)");
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

// The victim is named in each program's way of saying it.
TEST(FailureCause, OutOfMemoryNamesTheVictim) {
  const std::vector<std::pair<const char*, const char*>> cases = {
      {"/bin/sh: line 1: 1234 Killed                  clang -c a.c -o a.o\nmake: *** [Makefile:3: a.o] Error 137\n",
       "(clang)"},
      {"make: *** [Makefile:3: obj/a.o] Killed\n", "(the recipe of obj/a.o)"},
      {"clang: error: unable to execute command: Killed\n", "(clang)"},
      {"cc1: out of memory allocating 65536 bytes\n", "(cc1)"},
  };
  for (const auto& [log, victim] : cases) {
    auto cause = Explain(log, 2, StepKind::kMake, "", CommandResult::End::kOutOfMemory);
    EXPECT_EQ(cause.summary, std::string("wasi: make: out of memory ") + victim);
  }
  EXPECT_EQ(Explain("", 2, StepKind::kMake, "", CommandResult::End::kOutOfMemory).summary, "wasi: make: out of memory");
}

// A header of a library that is known is told as the library, with what to do for the target's toolchain.
TEST(FailureCause, AMissingLibraryByItsHeader) {
  const std::string log = "a.c:1:10: fatal error: 'zlib.h' file not found\n#include <zlib.h>\n         ^~~~~~~~\n";
  auto cause = Explain(log, 2);
  EXPECT_EQ(cause.summary, "wasi: make: zlib is missing: a.c:1:10: 'zlib.h' file not found");
  EXPECT_THAT(cause.excerpt, HasSubstr("#include <zlib.h>"));
  EXPECT_THAT(cause.advice, HasSubstr("WASI SDK does not have zlib"));
  auto advice = [&](const std::string& toolchain) {
    return Explain(log, 2, StepKind::kMake, "", CommandResult::End::kExited, 4, toolchain).advice;
  };
  EXPECT_THAT(advice("native"), HasSubstr("zlib1g-dev"));
  EXPECT_THAT(advice("emscripten"), HasSubstr("-sUSE_ZLIB"));
  // gcc says it otherwise.
  EXPECT_THAT(Explain("a.c:1:10: fatal error: openssl/ssl.h: No such file or directory\n", 2).summary,
              HasSubstr("OpenSSL is missing"));
  // The project's own header is a compiler error like any other.
  EXPECT_EQ(Explain("a.c:1:10: fatal error: 'mine.h' file not found\n", 2).summary,
            "wasi: make: a.c:1:10: 'mine.h' file not found");
}

// Linkers name it after -l, whether it is known or not.
TEST(FailureCause, AMissingLibraryByItsLinker) {
  EXPECT_EQ(
      Explain("wasm-ld: error: unable to find library -lz\nclang: error: linker command failed with exit code 1\n", 2)
          .summary,
      "wasi: make: zlib is missing: wasm-ld: unable to find library -lz");
  auto cause =
      Explain("/usr/bin/ld: cannot find -lfoo: No such file or directory\ncollect2: error: ld returned 1 exit status\n",
              2, StepKind::kMake, "", CommandResult::End::kExited, 4, "native");
  EXPECT_THAT(cause.summary, HasSubstr("-lfoo is missing"));
  EXPECT_THAT(cause.advice, HasSubstr("install -lfoo"));
}

// What pkg-config and CMake do not find is a missing library, unless a compiler says something else.
TEST(FailureCause, AMissingPackage) {
  auto cause = Explain("No package 'libffi' found\nmake: *** [Makefile:2: x] Error 1\n", 2);
  EXPECT_EQ(cause.summary, "wasi: make: libffi is missing");
  EXPECT_THAT(cause.excerpt, HasSubstr("No package 'libffi' found"));
  EXPECT_EQ(Explain("No package 'libffi' found\na.c:1:1: error: expected ';'\n", 2).summary,
            "wasi: make: a.c:1:1: expected ';'");
  cause = Explain(
      "CMake Error at FindPackageHandleStandardArgs.cmake:230 (message):\n  Could NOT find ZLIB (missing: "
      "ZLIB_LIBRARY)\n",
      1, StepKind::kConfigure);
  EXPECT_THAT(cause.advice, HasSubstr("WASI SDK does not have zlib"));
  cause = Explain("configure: error: Package requirements (zlib) were not met\n", 1, StepKind::kConfigure,
                  "configure:10: checking for zlib\nNo package 'zlib' found\nconfigure:20: error: Package requirements "
                  "(zlib) were not met\n");
  EXPECT_THAT(cause.summary, HasSubstr("Package requirements (zlib) were not met"));
  EXPECT_THAT(cause.advice, HasSubstr("WASI SDK does not have zlib"));
}

// A port that Emscripten would have to make first, and cannot.
TEST(FailureCause, APortThatCannotBeMade) {
  auto explain = [](const std::string& log) {
    return Explain(log, 1, StepKind::kMake, "", CommandResult::End::kExited, 4, "emscripten");
  };
  auto cause = explain(
      "Traceback (most recent call last):\n    ports.fetch_project('zlib', f'https://example.org')\n"
      "Exception: Attempt to lock the cache but FROZEN_CACHE is set\nmake: *** [Makefile:3: a.o] Error 1\n");
  EXPECT_EQ(cause.summary, "wasi: make: zlib is not in Emscripten's cache, which cannot be written");
  EXPECT_THAT(cause.advice, HasSubstr("embuilder build zlib"));
  cause = explain(
      "ports:INFO: retrieving port: sqlite3 from https://example.org/x.zip\nurllib.error.URLError: <urlopen error "
      "[Errno -3] Temporary failure in name resolution>\n");
  EXPECT_EQ(cause.summary, "wasi: make: the source of Emscripten's port SQLite cannot be fetched");
  EXPECT_THAT(explain("emcc: error: Attempt to set a non-existent setting: 'USE_ZLOB'\n").summary,
              HasSubstr("has no port zlob"));
}

// What the target cannot do is told with the section that has more of it.
TEST(FailureCause, WhatTheTargetCannotDo) {
  auto cause =
      Explain("RuntimeError: memory access out of bounds\n    at f (wasm)\nmake: *** [Makefile:9: run] Error 1\n", 2);
  EXPECT_EQ(cause.summary, "wasi: make: RuntimeError: memory access out of bounds");
  EXPECT_THAT(cause.advice, HasSubstr("stack-size"));
  EXPECT_THAT(cause.advice, HasSubstr("\"Misc\""));
  EXPECT_THAT(cause.excerpt, HasSubstr("at f (wasm)"));
  // The one that is nearest to the failure.
  cause =
      Explain("ModuleNotFoundError: No module named '_ssl'\nmore\nModuleNotFoundError: No module named '_socket'\n", 1);
  EXPECT_THAT(cause.summary, HasSubstr("_socket"));
  EXPECT_THAT(cause.advice, HasSubstr("WASI limitations and issues"));
  // It holds for WebAssembly alone.
  cause = Explain("ModuleNotFoundError: No module named '_socket'\n", 1, StepKind::kMake, "",
                  CommandResult::End::kExited, 4, "native");
  EXPECT_EQ(cause.summary, "wasi: make: failed with exit code 1");
}

// A compiler error, and a check, that show it keep their words and get the advice.
TEST(FailureCause, AnErrorThatShowsWhatTheTargetCannotDo) {
  auto cause = Explain("a.c:7:3: error: call to undeclared function 'fork'; ISO C99 ...\n  fork();\n  ^\n", 2);
  EXPECT_THAT(cause.summary, HasSubstr("a.c:7:3: call to undeclared function 'fork'"));
  EXPECT_THAT(cause.advice, HasSubstr("no processes"));
  cause = Explain("configure: error: threads are needed\n", 1, StepKind::kConfigure,
                  "configure:10: checking for threads\nwasm-ld: error: conftest.o: undefined symbol: pthread_create\n"
                  "configure:20: error: threads are needed\n");
  EXPECT_THAT(cause.summary, HasSubstr("threads are needed"));
  EXPECT_THAT(cause.advice, HasSubstr("has no threads"));
  EXPECT_THAT(cause.advice, HasSubstr("config.log"));
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
