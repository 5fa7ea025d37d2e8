#include "agent/pipeline/nearest_name.h"

#include "gtest/gtest.h"

namespace wasmagent::pipeline {
namespace {

// Rule: a slip of the fingers is recognised, another word is not.
TEST(NearestName, FindsSlips) {
  const std::vector<std::string> known = {"argv", "env", "name", "wasi", "native"};
  EXPECT_EQ(NearestName("arvg", known), "argv");
  EXPECT_EQ(NearestName("wasm", known), "wasi");
  EXPECT_EQ(NearestName("natve", known), "native");
  EXPECT_EQ(NearestName("command", known), "");
  EXPECT_EQ(NearestName("", known), "");
  EXPECT_EQ(DidYouMean("nmae", known), "; did you mean 'name'?");
  EXPECT_EQ(DidYouMean("zzzz", known), "");
}

}  // namespace
}  // namespace wasmagent::pipeline
