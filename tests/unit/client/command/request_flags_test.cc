#include "client/command/request_flags.h"

#include <regex>

#include "gtest/gtest.h"

namespace wasmagent::client {
namespace {

const Checkout kCheckout{"/src", "src-1", "host", "/cache"};

// Flags become the request; without a target it is wasi.
TEST(RequestFlags, FillTheRequest) {
  RequestFlags flags;
  flags.env = {"A=b=c"};
  flags.timeout = "90m";
  auto request = MakeRequest(flags, kCheckout);
  ASSERT_TRUE(request.ok());
  EXPECT_EQ(request->targets(0), "wasi");
  EXPECT_EQ(request->options().env().at("A"), "b=c");
  EXPECT_EQ(request->options().timeout().seconds(), 5400);
  EXPECT_EQ(request->checkout().id(), "src-1");
}

// Mistakes are named.
TEST(RequestFlags, MistakesAreNamed) {
  RequestFlags flags;
  flags.env = {"=x"};
  EXPECT_FALSE(MakeRequest(flags, kCheckout).ok());
  flags.env = {};
  for (const char* timeout : {"x", "0", "-5s"}) {
    flags.timeout = timeout;
    EXPECT_FALSE(MakeRequest(flags, kCheckout).ok()) << timeout;
  }
}

// What a message cannot hold is refused by name; a checkout's path is for people and shown as well as can be.
TEST(RequestFlags, OnlyTextTravels) {
  RequestFlags flags;
  flags.make_args = {"V=\xff"};
  EXPECT_EQ(MakeRequest(flags, kCheckout).status().message(), "--make-arg V=\xEF\xBF\xBD: not UTF-8");
  Checkout latin = kCheckout;
  latin.path = "/home/m\xfcller";
  EXPECT_EQ(MakeRequest(RequestFlags(), latin)->checkout().path(), "/home/m\xEF\xBF\xBDller");
}

// Build ids are random UUIDs of version 4.
TEST(RequestFlags, BuildIdsAreUuids) {
  std::regex form("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}");
  EXPECT_TRUE(std::regex_match(NewBuildId(), form));
  EXPECT_NE(NewBuildId(), NewBuildId());
}

}  // namespace
}  // namespace wasmagent::client
