#include "platform/shell_quote.h"

#include <array>
#include <cstdio>

#include "gtest/gtest.h"

namespace wasmagent::platform {
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

// A command can be copied into a shell.
TEST(ShellText, QuotesWhatNeedsIt) {
  EXPECT_EQ(ShellText({"/usr/bin/podman", "run", "--name=a-b", "x:1"}), "/usr/bin/podman run --name=a-b x:1");
  EXPECT_EQ(ShellText({"a b", "", "it's", "$x"}), "'a b' '' 'it'\\''s' '$x'");
  EXPECT_EQ(Shell("printf '%s|' " + ShellText({"it's", "a\nb", "*"})), "it's|a\nb|*|");
}

}  // namespace
}  // namespace wasmagent::platform
