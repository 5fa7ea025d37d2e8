#include "agent/pipeline/compile_count.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace wasmagent::pipeline {
namespace {

struct LineCase {
  std::string line;
  uint64_t compiled;
  uint64_t linked;
};

// Each build system's way of saying it.
TEST(CompileCount, KnowsTheForms) {
  const std::vector<LineCase> cases = {
      {"cc    -c -o a.o a.c", 1, 0},
      {"gcc -o a.o -c a.c", 1, 0},
      {"ccache /opt/wasi-sdk/bin/clang -O2 -c ../../Objects/a.c -o Objects/a.o", 1, 0},
      {"x86_64-linux-gnu-g++-12 -c a.cc -o a.o", 1, 0},
      {"gcc -c a.c b.c", 2, 0},
      {"/usr/share/emscripten/emcc.py -c a.c -o a.o", 1, 0},
      {"cd x && FOO=1 clang -c a.c -o a.o && mv a.o b.o", 1, 0},
      {"CC=/usr/bin/gcc make -C sub -c -o a.o", 0, 0},
      {"gcc -MT a.c -c -o a.o a.c; ranlib x", 1, 0},
      {"libtool: compile:  gcc -c a.c  -fPIC -DPIC -o .libs/a.o", 1, 0},
      {"/bin/bash ../libtool --tag=CC --mode=compile gcc -c -o a.lo a.c", 0, 0},
      {"cc -o hello hello.c", 1, 1},
      {"/opt/wasi-sdk/bin/clang -o python.wasm Programs/python.o libpython3.11.a", 0, 1},
      {"wasm-ld -o a.wasm a.o", 0, 1},
      {"cc -E a.c -o a.i", 0, 0},
      {"ar rcs libx.a a.o", 0, 0},
      {"  CC       a.o", 1, 0},
      {"  CXX      sub/b.lo", 1, 0},
      {"  CCLD     prog", 0, 1},
      {"[ 33%] Building C object CMakeFiles/x.dir/a.c.o", 1, 0},
      {"[12/345] Building CXX object CMakeFiles/x.dir/a.cc.obj", 1, 0},
      {"[100%] Linking C executable hello.wasm", 0, 1},
      {"[3/3] CC obj/a.o", 1, 0},
      {"[2/3] clang -c a.c -o a.o", 1, 0},
  };
  for (const LineCase& expected : cases) {
    CompileCount count;
    count.Take(expected.line);
    EXPECT_EQ(count.compiled(), expected.compiled) << expected.line;
    EXPECT_EQ(count.linked(), expected.linked) << expected.line;
  }
}

// Ordinary output counts nothing.
TEST(CompileCount, LeavesTheRestAlone) {
  for (const char* line : {"", "checking whether cc understands -c and -o together... yes", "sh -c 'true'",
                           "python3 -c pass -o x.o", "echo cc -c a.c -o a.o", "  CC       the compiler",
                           "[100%] Built target x", "[1] 1234", "tar -cf x.tar -o a.o", "cc -c", "  GEN      a.h"}) {
    CompileCount count;
    count.Take(line);
    EXPECT_EQ(count.compiled() + count.linked(), 0U) << line;
  }
}

// Progress and the commands that it stands for are one and the same.
TEST(CompileCount, ProgressAndCommandsAreNotAddedUp) {
  CompileCount count;
  for (int i = 0; i < 3; ++i) {
    count.Take("[ 33%] Building C object CMakeFiles/x.dir/a.c.o");
    count.Take("/usr/bin/cc -o CMakeFiles/x.dir/a.c.o -c /src/a.c");
  }
  EXPECT_EQ(count.compiled(), 3U);
}

}  // namespace
}  // namespace wasmagent::pipeline
