#include "platform/version_number.h"

#include "gtest/gtest.h"

namespace wasmagent::platform {
namespace {

// Rule: numbers with dots between them, and nothing else.
TEST(VersionNumber, WhatIsOne) {
  for (const char* good : {"24", "24.0", "3.1.69", "0.0.1"}) EXPECT_TRUE(IsVersionNumber(good)) << good;
  for (const char* bad : {"", ".", "3.", ".3", "3..1", "v3", "3.1.69-git", "3 1", "1234567"})
    EXPECT_FALSE(IsVersionNumber(bad)) << bad;
}

// Rule: versions compare by number and not as text; what is missing is 0.
TEST(VersionNumber, Order) {
  EXPECT_TRUE(VersionPrecedes("3.1.9", "3.1.19"));
  EXPECT_FALSE(VersionPrecedes("3.1.19", "3.1.9"));
  EXPECT_TRUE(VersionPrecedes("3.1.69", "4"));
  EXPECT_TRUE(VersionPrecedes("16", "24.0"));
  EXPECT_FALSE(VersionPrecedes("24", "24.0"));
  EXPECT_FALSE(VersionPrecedes("24.0", "24"));
  EXPECT_TRUE(VersionPrecedes("24", "24.0.1"));
}

// Rule: a rule means all versions that begin with its numbers.
TEST(VersionNumber, Belonging) {
  EXPECT_TRUE(VersionBelongsTo("26.0", "26"));
  EXPECT_TRUE(VersionBelongsTo("3.1.20", "3.1.20"));
  EXPECT_TRUE(VersionBelongsTo("3.1.69", "3.1"));
  EXPECT_FALSE(VersionBelongsTo("3.10.2", "3.1"));
  EXPECT_FALSE(VersionBelongsTo("26", "26.1"));
}

}  // namespace
}  // namespace wasmagent::platform
