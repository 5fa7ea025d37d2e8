#include "client/command/plan_quote.h"

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

// "$SRC" of a plan stays a variable, the rest of the word does not.
TEST(PlanQuote, KeepsTheSourceRoot) {
  EXPECT_EQ(Shell("SRC='/a b'; printf %s " + QuotePlanWord("-I$SRC/x $HOME")), "-I/a b/x $HOME");
  EXPECT_EQ(QuotePlanWord(""), "''");
}

}  // namespace
}  // namespace wasmagent::client
