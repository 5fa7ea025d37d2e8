#include "client/checkout/ignore_rules.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/unit/client/checkout/working_tree.h"

namespace wasmagent::client {
namespace {

bool Ignored(const std::string& rules, const std::string& path, bool folder = false) {
  return IgnoreRules(rules).Match(path, folder) != nullptr;
}

// A pattern without a slash matches the name at any depth; one with a slash is tied to the root.
TEST(IgnoreRules, SlashesAnchor) {
  EXPECT_TRUE(Ignored("*.o", "a.o"));
  EXPECT_TRUE(Ignored("*.o", "x/y/a.o"));
  EXPECT_TRUE(Ignored("/a.o", "a.o"));
  EXPECT_FALSE(Ignored("/a.o", "x/a.o"));
  EXPECT_TRUE(Ignored("x/a.o", "x/a.o"));
  EXPECT_FALSE(Ignored("x/a.o", "y/x/a.o"));
}

// The last rule that matches decides, "!" takes back, but nothing below a folder that is left out.
TEST(IgnoreRules, NegationTakesBackButNotBelowAFolder) {
  EXPECT_FALSE(Ignored("*.o\n!keep.o", "keep.o"));
  EXPECT_TRUE(Ignored("!keep.o\n*.o", "keep.o"));
  EXPECT_TRUE(Ignored("out/\n!out/keep.o", "out/keep.o"));
  EXPECT_FALSE(Ignored("out/*\n!out/keep.o", "out/keep.o"));
}

// "name/" matches folders only, and with them everything below.
TEST(IgnoreRules, TrailingSlashMeansFolders) {
  EXPECT_TRUE(Ignored("out/", "out", true));
  EXPECT_FALSE(Ignored("out/", "out", false));
  EXPECT_TRUE(Ignored("out/", "x/out/a", false));
}

// "**" crosses folders only between slashes; a single star never does.
TEST(IgnoreRules, StarsCrossOnlyWhenDoubledBetweenSlashes) {
  EXPECT_TRUE(Ignored("**/a", "a"));
  EXPECT_TRUE(Ignored("**/a", "x/y/a"));
  EXPECT_TRUE(Ignored("a/**/b", "a/b"));
  EXPECT_TRUE(Ignored("a/**/b", "a/x/y/b"));
  EXPECT_TRUE(Ignored("a/**", "a/x/y"));
  EXPECT_FALSE(Ignored("a/**", "a", true));
  EXPECT_FALSE(Ignored("a/*/b", "a/x/y/b"));
  EXPECT_FALSE(Ignored("a**b/c", "a/b/c"));
}

// Comments, escapes, spaces at the end, a byte order mark and CR LF are read as git reads them.
TEST(IgnoreRules, ReadsLinesAsGitDoes) {
  EXPECT_FALSE(Ignored("# a", "# a"));
  EXPECT_TRUE(Ignored("\\#a", "#a"));
  EXPECT_TRUE(Ignored("\\!a", "!a"));
  EXPECT_TRUE(Ignored("a   ", "a"));
  EXPECT_TRUE(Ignored("a\\ ", "a "));
  EXPECT_TRUE(
      Ignored("\xEF\xBB\xBF"
              "a\r\n",
              "a"));
  EXPECT_EQ(IgnoreRules("\n\nb\n").Match("b", false)->line, 3);
}

// For a table of awkward rules and paths the answer is the one that git itself gives.
TEST(IgnoreRules, AgreesWithGit) {
  const std::vector<std::string> rules = {"*.o",          "/a",     "a/b",    "a/",     "**/c", "c/**",  "a/**/d",
                                          "[ab]c",        "[!ab]c", "[a-c]x", "?x",     "a*c",  "a\\*c", "[]a]x",
                                          "[[:digit:]]z", "!a.o",   "**",     "/*",     "a**c", "\\a",   "[a",
                                          "a/*/",         "x[/]y",  "***/c",  "a/***/d"};
  const std::vector<std::string> paths = {"a.o", "a",  "a/b", "a/b/d", "a/d",     "c",   "x/c",
                                          "c/y", "bc", "zc",  "bx",    "/x",      "abc", "a*c",
                                          "]x",  "7z", "x/a", "x/y",   "a/x/y/d", "a/x", "[a"};
  for (const std::string& rule : rules) {
    WorkingTree tree;
    tree.InitGit();
    tree.Write(".gitignore", rule + "\n");
    for (const std::string& path : paths) {
      if (path.front() == '/') continue;
      bool ours = Ignored(rule, path);
      std::string command = "cd '" + tree.path() + "' && git check-ignore -q --no-index -- '" + path + "'";
      bool gits = std::system(command.c_str()) == 0;
      EXPECT_EQ(ours, gits) << "rule " << rule << " path " << path;
    }
  }
}

}  // namespace
}  // namespace wasmagent::client
