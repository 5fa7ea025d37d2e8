#include "client/session/embedded_agent.h"

#include "gtest/gtest.h"
#include "scripts.h"

namespace wasmagent::client {
namespace {

// A wasmagent that listens on the socket it is told to and lives until it is killed.
constexpr char kListens[] = R"(exec python3 -c 'import socket,sys,signal
s=socket.socket(socket.AF_UNIX); s.bind(sys.argv[2][5:]); s.listen(5); signal.pause()' "$@")";

class EmbeddedAgentTest : public ::testing::Test {
 protected:
  EmbeddedAgent With(const std::string& body) {
    EmbeddedAgentOptions options;
    options.folders = folder_.folders();
    options.checkout = "/the checkout";
    options.program = folder_.Add("wasmagent", body);
    return EmbeddedAgent(options);
  }
  ScriptFolder folder_;
};

// The agent is started once with exactly these arguments, found by the next caller, and gone after Stop.
TEST_F(EmbeddedAgentTest, StartsOnceAndStops) {
  EmbeddedAgent agent = With(kListens);
  auto first = agent.EnsureRunning();
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(first->bind_root_hint, "/the checkout");
  auto second = agent.EnsureRunning();
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(first->address, second->address);
  EXPECT_EQ(folder_.Calls(), "<--listen><unix:" + folder_.path() +
                                 "/cache/wasmagent/run/embedded.sock><--state-directory><" + folder_.path() +
                                 "/cache/wasmagent><--bind-root></the checkout><--idle-exit-seconds><900>\n");
  EXPECT_TRUE(agent.State()->running);
  EXPECT_TRUE(agent.Stop().ok());
  EXPECT_FALSE(agent.State()->running);
  EXPECT_TRUE(agent.Stop().ok());
}

// Named: an agent that dies at its start is an error with the end of its log, at once and not after the time limit.
TEST_F(EmbeddedAgentTest, ADeathShowsTheLog) {
  auto address = With("echo 'state folder is broken' >&2; exit 1").EnsureRunning();
  EXPECT_TRUE(absl::IsUnavailable(address.status()));
  EXPECT_NE(std::string(address.status().message()).find("state folder is broken"), std::string::npos)
      << address.status();
}

// No program is an error that lists where it was looked for.
TEST_F(EmbeddedAgentTest, NoProgramSaysWhere) {
  EmbeddedAgentOptions options;
  options.folders = folder_.folders();
  options.own_program = "/nowhere/build/client/wasmctl";
  std::string text(EmbeddedAgent(options).EnsureRunning().status().message());
  EXPECT_NE(text.find("/nowhere/build/client/wasmagent, /nowhere/build/agent/wasmagent"), std::string::npos) << text;
}

}  // namespace
}  // namespace wasmagent::client
