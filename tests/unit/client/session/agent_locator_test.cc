#include "client/session/agent_locator.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "scripts.h"

namespace wasmagent::client {
namespace {

using ::testing::HasSubstr;

class AgentLocatorTest : public ::testing::Test {
 protected:
  AgentLocatorTest() {
    input_.folders = folder_.folders();
    input_.system_sockets = {folder_.path() + "/system.sock"};
    input_.checkout = "/home/me/src";
    input_.checkout_id = "id7";
    input_.embedded_program = folder_.path() + "/no-wasmagent";
  }
  ScriptFolder folder_;
  LocatorInput input_;
};

// The order is: flag, environment, config file, context, sockets; each is taken only when those before it say nothing.
TEST_F(AgentLocatorTest, KeepsTheOrder) {
  ASSERT_TRUE(platform::MakeDirectories(folder_.path() + "/runtime/wasmagent").ok());
  Listener system(folder_.path() + "/system.sock");
  EXPECT_EQ(LocateAgent(input_)->address, "unix:" + folder_.path() + "/system.sock");
  Listener local(folder_.path() + "/runtime/wasmagent/agent.sock");
  EXPECT_EQ(LocateAgent(input_)->address, "unix:" + folder_.path() + "/runtime/wasmagent/agent.sock");
  input_.context = "ci";
  input_.context_address = "ci.example:1";
  EXPECT_THAT(LocateAgent(input_)->description, HasSubstr("context 'ci'"));
  input_.configured = "file.example:1";
  EXPECT_EQ(LocateAgent(input_)->address, "file.example:1");
  input_.environment = "env.example:1";
  EXPECT_THAT(LocateAgent(input_)->description, HasSubstr("WASMCTL_AGENT"));
  input_.flag = "flag.example:1";
  EXPECT_EQ(LocateAgent(input_)->address, "flag.example:1");
}

// An address that was given and is wrong is an error and never another agent; it says where it came from.
TEST_F(AgentLocatorTest, AWrongAddressIsAnError) {
  input_.environment = "nonsense";
  absl::Status status = LocateAgent(input_).status();
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("WASMCTL_AGENT"));
}

// Nothing found: all that was tried, why it was not taken, and what to do.
TEST_F(AgentLocatorTest, TellsWhatWasTried) {
  std::string text(LocateAgent(input_).status().message());
  for (const char* part :
       {"runtime/wasmagent/agent.sock", "system.sock", "docker: not installed", "no wasmagent program", "agent up"}) {
    EXPECT_THAT(text, HasSubstr(part));
  }
}

// The checkout's container is taken as it runs, and refused, not passed over, when another image was asked for.
TEST_F(AgentLocatorTest, AContainerOfAnotherImageIsAnError) {
  const std::string run = folder_.path() + "/cache/wasmagent/run";
  ASSERT_TRUE(platform::MakeDirectories(run + "/id7").ok());
  ASSERT_TRUE(platform::WriteFileAtomically(run + "/id7.started", "docker\nmine:1\n", 0600, false).ok());
  Listener container(run + "/id7/agent.sock");
  EXPECT_THAT(LocateAgent(input_)->description, HasSubstr("the checkout's container"));
  input_.image = "mine:2";
  absl::Status status = LocateAgent(input_).status();
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("runs mine:1 in docker, and not mine:2"));
}

// A command that only looks starts nothing.
TEST_F(AgentLocatorTest, LookingStartsNothing) {
  folder_.Add("docker", "exit 0");
  input_.may_start = false;
  EXPECT_FALSE(LocateAgent(input_).ok());
  EXPECT_EQ(folder_.Calls(), "");
}

}  // namespace
}  // namespace wasmagent::client
