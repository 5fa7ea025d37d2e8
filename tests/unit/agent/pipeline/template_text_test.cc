#include "agent/pipeline/template_text.h"

#include "gtest/gtest.h"

namespace wasmagent::pipeline {
namespace {

std::string Expand(const std::string& text) {
  const auto result = ExpandText(text, [](std::string_view name) -> std::optional<std::string> {
    if (name == "a") return "1";
    if (name == "empty") return "";
    if (name == "self") return "${a}";
    return std::nullopt;
  });
  return result.ok() ? *result : std::string(result.status().message());
}

// Rule: variables are replaced once, and nothing else that has a "$" is.
TEST(TemplateText, ReplacesVariables) {
  EXPECT_EQ(Expand("x${a}y${a}"), "x1y1");
  EXPECT_EQ(Expand("${self}"), "${a}");
  EXPECT_EQ(Expand("$(CC) $1 $$ $"), "$(CC) $1 $$ $");
  EXPECT_EQ(Expand("$${a}"), "${a}");
  EXPECT_EQ(Expand(""), "");
}

// Rule: an empty value takes the blank after it along.
TEST(TemplateText, EmptyValuesLeaveNoBlank) {
  EXPECT_EQ(Expand("CC=${empty} gcc"), "CC=gcc");
  EXPECT_EQ(Expand("x${empty}"), "x");
  EXPECT_EQ(Expand("${a} gcc"), "1 gcc");
}

// Rule: what cannot be replaced is an error that names it.
TEST(TemplateText, Mistakes) {
  EXPECT_EQ(Expand("${b}"), "unknown variable ${b}");
  EXPECT_EQ(Expand("x${a"), "\"x${a\" has a '${' without its '}'");
}

}  // namespace
}  // namespace wasmagent::pipeline
