#include "agent/pipeline/glob.h"

#include "gtest/gtest.h"

namespace wasmagent::pipeline {
namespace {

// Rule: "*" and "?" stay in a segment.
TEST(Glob, StarsStayInTheirSegment) {
  EXPECT_TRUE(GlobMatch("*.wasm", "python.wasm"));
  EXPECT_FALSE(GlobMatch("*.wasm", "bin/python.wasm"));
  EXPECT_TRUE(GlobMatch("build/lib.*/*", "build/lib.wasi-wasm32-3.11/_sysconfigdata.py"));
  EXPECT_FALSE(GlobMatch("build/lib.*/*", "build/lib.wasi/__pycache__/x.pyc"));
  EXPECT_TRUE(GlobMatch("a?c", "abc"));
  EXPECT_FALSE(GlobMatch("a?c", "a/c"));
  EXPECT_TRUE(GlobMatch("*", ".hidden"));
  EXPECT_FALSE(GlobMatch("python", "python.wasm"));
  EXPECT_TRUE(GlobMatch("a*b*c", "aXbYbZc"));
  EXPECT_FALSE(GlobMatch("a*b*c", "aXbYbZ"));
}

// Rule: "**" stands for any number of segments, none included.
TEST(Glob, DoubleStarCrossesSegments) {
  EXPECT_TRUE(GlobMatch("**/*.o", "x.o"));
  EXPECT_TRUE(GlobMatch("**/*.o", "a/b/x.o"));
  EXPECT_TRUE(GlobMatch("a/**/z", "a/z"));
  EXPECT_TRUE(GlobMatch("a/**/z", "a/b/c/z"));
  EXPECT_FALSE(GlobMatch("a/**/z", "b/a/z"));
  EXPECT_TRUE(GlobMatch("build/**", "build/x/y"));
  EXPECT_FALSE(GlobMatch("build/**", "builder/x"));
  EXPECT_TRUE(GlobMatch("**", "a/b"));
  EXPECT_TRUE(GlobMatch("**/a/**/b", "x/a/y/a/z/b"));
}

// Rule: brackets stand for one byte of a set; a backslash makes the next byte literal.
TEST(Glob, BracketsAndBackslash) {
  EXPECT_TRUE(GlobMatch("[a-c]x", "bx"));
  EXPECT_FALSE(GlobMatch("[a-c]x", "dx"));
  EXPECT_TRUE(GlobMatch("[!a-c]x", "dx"));
  EXPECT_TRUE(GlobMatch("[]x]", "]"));
  EXPECT_TRUE(GlobMatch("a\\*b", "a*b"));
  EXPECT_FALSE(GlobMatch("a\\*b", "aXb"));
  EXPECT_TRUE(GlobMatch("lib[c]++.a", "libc++.a"));
  EXPECT_TRUE(GlobMatch("[\xc3]\xa9", "é"));
}

// Rule: a list matches when a pattern does and no "!" pattern does, in whatever order they stand.
TEST(Glob, ExclusionsWin) {
  const std::vector<std::string> globs = {"!**/*.o", "**"};
  EXPECT_TRUE(GlobListMatch(globs, "bin/hello"));
  EXPECT_FALSE(GlobListMatch(globs, "src/hello.o"));
  EXPECT_FALSE(GlobListMatch({"!x"}, "y"));
  EXPECT_FALSE(GlobListMatch({}, "y"));
}

// Rule: matching stays quick for patterns made to be slow.
TEST(Glob, ManyStarsAreNotSlow) {
  std::string pattern, text(2000, 'a');
  for (int i = 0; i < 30; ++i) pattern += "a*";
  EXPECT_FALSE(GlobMatch(pattern + "b", text));
  std::string deep_pattern, deep;
  for (int i = 0; i < 30; ++i) deep_pattern += "**/a/";
  for (int i = 0; i < 1000; ++i) deep += "a/";
  EXPECT_FALSE(GlobMatch(deep_pattern + "b", deep + "a"));
}

// Rule: a pattern that cannot mean anything is told apart.
TEST(Glob, ProblemsAreNamed) {
  EXPECT_EQ(GlobProblem("a/**/*.py"), "");
  EXPECT_EQ(GlobProblem("!**/[a]b"), "");
  EXPECT_NE(GlobProblem(""), "");
  EXPECT_NE(GlobProblem("!"), "");
  EXPECT_NE(GlobProblem("/abs"), "");
  EXPECT_NE(GlobProblem("a//b"), "");
  EXPECT_NE(GlobProblem("../x"), "");
  EXPECT_NE(GlobProblem("a**b"), "");
  EXPECT_NE(GlobProblem("[ab"), "");
  EXPECT_EQ(GlobProblem("\\[ab"), "");
}

}  // namespace
}  // namespace wasmagent::pipeline
