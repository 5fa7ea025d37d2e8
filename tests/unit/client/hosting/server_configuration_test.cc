#include "client/hosting/server_configuration.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace wasmagent::client {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// Every server isolates pages, knows WebAssembly and compresses it, and has the site's own words in it.
TEST(ServerConfiguration, SaysWhatBrowsersNeed) {
  for (ServerKind kind : {ServerKind::kApache, ServerKind::kApacheFolder, ServerKind::kNginx, ServerKind::kCaddy}) {
    std::string text = ServerConfiguration(kind, {"/srv/my site", "wasm.example.net"}).value();
    for (const char* part : {"Cross-Origin-Opener-Policy same-origin", "Cross-Origin-Embedder-Policy require-corp",
                             "application/wasm", "text/javascript", "/srv/my site", "https"}) {
      EXPECT_THAT(text, HasSubstr(part));
    }
    EXPECT_THAT(text, Not(HasSubstr("@ROOT")));
    EXPECT_THAT(text, Not(HasSubstr("@NAME")));
    EXPECT_EQ(text.find("wasm.example.net") == std::string::npos, kind == ServerKind::kApacheFolder);
  }
}

// A word that would end its quotes, or be something else within them, would be a configuration of somebody else's.
TEST(ServerConfiguration, RefusesWhatIsNoWord) {
  for (const char* root : {"", "relative", "/a\"b", "/a\nb", "/${HOME}", "/a\\b", "/a`b", "/%{x}"}) {
    auto text = ServerConfiguration(ServerKind::kNginx, {root, "a.example"});
    EXPECT_EQ(text.status().code(), absl::StatusCode::kInvalidArgument) << root;
  }
  for (const char* name : {"", "a b", "a;b", "a{", "a\n", "*"}) {
    auto text = ServerConfiguration(ServerKind::kNginx, {"/srv", name});
    EXPECT_EQ(text.status().code(), absl::StatusCode::kInvalidArgument) << name;
  }
}

}  // namespace
}  // namespace wasmagent::client
