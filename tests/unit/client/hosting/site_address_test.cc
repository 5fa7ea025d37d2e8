#include "client/hosting/site_address.h"

#include "gtest/gtest.h"

namespace wasmagent::client {
namespace {

// Only what no other machine reaches is loopback.
TEST(SiteAddress, Loopback) {
  for (const char* address : {"127.0.0.1", "127.1.2.3", "::1", "localhost"})
    EXPECT_TRUE(IsLoopback(address)) << address;
  for (const char* address : {"0.0.0.0", "::", "10.0.0.1", "127.evil.example", "localhost.example", ""}) {
    EXPECT_FALSE(IsLoopback(address)) << address;
  }
}

// A URL that a browser on this machine can open.
TEST(SiteAddress, Url) {
  EXPECT_EQ(SiteUrl("127.0.0.1", 8000), "http://127.0.0.1:8000");
  EXPECT_EQ(SiteUrl("0.0.0.0", 80), "http://127.0.0.1:80");
  EXPECT_EQ(SiteUrl("::", 80), "http://[::1]:80");
  EXPECT_EQ(SiteUrl("build.example", 81), "http://build.example:81");
}

// A foreign name that resolves to this machine gets nothing, unless the site is open to other machines anyway.
TEST(SiteAddress, AnswersToItsOwnNames) {
  for (const char* host : {"", "localhost", "LOCALHOST:8000", "127.0.0.1:8000", "[::1]:8000", "app.localhost:8000"}) {
    EXPECT_TRUE(AnswersTo("127.0.0.1", host)) << host;
  }
  for (const char* host : {"evil.example", "evil.example:8000", "127.0.0.1.evil.example", "localhost.evil.example",
                           "[::2]", "10.0.0.1", "["}) {
    EXPECT_FALSE(AnswersTo("127.0.0.1", host)) << host;
  }
  EXPECT_TRUE(AnswersTo("0.0.0.0", "build.example:8000"));
}

}  // namespace
}  // namespace wasmagent::client
