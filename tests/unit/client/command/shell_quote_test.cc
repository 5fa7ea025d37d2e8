#include "client/command/shell_quote.h"

#include <array>
#include <cstdio>

#include "gtest/gtest.h"

namespace wasmagent::client {
namespace {

std::string Shell(const std::string& command) {
  std::FILE* pipe = ::popen(command.c_str(), "r");
  std::array<char, 4096> buffer;
  std::string out(buffer.data(), std::fread(buffer.data(), 1, buffer.size(), pipe));
  ::pclose(pipe);
  return out;
}

// A shell reads back what was quoted, whatever it holds.
TEST(ShellQuote, RoundTripsThroughAShell) {
  for (const std::string word : {"plain", "", "a b", "it's", "$HOME `x` \"q\"", "*", "~", "a\nb", "\\"}) {
    EXPECT_EQ(Shell("printf %s " + QuoteWord(word)), word);
  }
}

// "$SRC" of a plan stays a variable, the rest of the word does not.
TEST(ShellQuote, PlanWordsKeepTheSourceRoot) {
  EXPECT_EQ(Shell("SRC='/a b'; printf %s " + QuotePlanWord("-I$SRC/x $HOME")), "-I/a b/x $HOME");
  EXPECT_EQ(QuotePlanWord(""), "''");
}

}  // namespace
}  // namespace wasmagent::client
