#include "client/session/agent_address.h"

#include <unistd.h>

#include <memory>

#include "gtest/gtest.h"
#include "scripts.h"

namespace wasmagent::client {
namespace {

// A wrong address is wrong usage, told before anything is sent anywhere.
TEST(AgentAddressTest, TellsGoodFromBad) {
  for (const char* good : {"unix:/run/a.sock", "localhost:7890", "10.0.0.1:1", "[::1]:7890", "build.example:65535"}) {
    EXPECT_TRUE(CheckAddress(good).ok()) << good;
  }
  for (const char* bad : {"", "unix:", "unix:a.sock", "localhost", "localhost:", ":7890", "::1:7890", "a:0", "a:65536",
                          "a:7x", "a/b:1"}) {
    EXPECT_EQ(CheckAddress(bad).code(), absl::StatusCode::kInvalidArgument) << bad;
  }
  EXPECT_FALSE(CheckAddress("unix:/" + std::string(kLongestSocketPath, 'x')).ok());
}

// A socket file proves nothing: only one that answers counts, and the three cases are told apart.
TEST(AgentAddressTest, ProbesBySpeaking) {
  ScriptFolder folder;
  std::string path = folder.path() + "/a.sock";
  EXPECT_TRUE(absl::IsNotFound(ProbeSocket(path)));
  auto listener = std::make_unique<Listener>(path);
  EXPECT_TRUE(ProbeSocket(path).ok());
  EXPECT_EQ(*ListenerPid(path), ::getpid());
  listener.reset();
  EXPECT_TRUE(absl::IsUnavailable(ProbeSocket(path)));
}

// Rule: an agent that was found is the caller's own or root's; a stranger's would get the sources.
TEST(AgentAddress, AStrangersSocketIsNotTaken) {
  EXPECT_TRUE(CheckListener("/run/a.sock", 1000, 1000).ok());
  EXPECT_TRUE(CheckListener("/run/a.sock", 0, 1000).ok());
  EXPECT_EQ(CheckListener("/run/a.sock", 1001, 1000).code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(CheckListener("/run/a.sock", 1001, 0).code(), absl::StatusCode::kPermissionDenied);
}

}  // namespace
}  // namespace wasmagent::client
