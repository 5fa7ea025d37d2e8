#include "client/session/container_agent.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "scripts.h"

namespace wasmagent::client {
namespace {

using ::testing::HasSubstr;

class ContainerAgentTest : public ::testing::Test {
 protected:
  ContainerAgentOptions Options() {
    ContainerAgentOptions options;
    options.folders = folder_.folders();
    options.checkout = "/home/me/src";
    options.checkout_id = "id7";
    options.uid = 1000;
    options.gid = 100;
    options.start_limit = absl::Seconds(5);
    return options;
  }
  ScriptFolder folder_;
};

// The checkout is mounted read-only at its own path, output belongs to the caller, and the agent needs no network.
TEST_F(ContainerAgentTest, TheCommandIsExact) {
  std::string run = folder_.path() + "/cache/wasmagent/run/id7:/run/wasmagent";
  std::string state = folder_.path() + "/cache/wasmagent-container/id7:/var/lib/wasmagent";
  EXPECT_EQ(ContainerAgent(Options()).RunCommand("/usr/bin/docker"),
            (std::vector<std::string>{"/usr/bin/docker",
                                      "run",
                                      "--detach",
                                      "--name",
                                      "wasmagent-id7",
                                      "--user",
                                      "1000:100",
                                      "--network",
                                      "none",
                                      "--volume",
                                      "/home/me/src:/home/me/src:ro",
                                      "--volume",
                                      run,
                                      "--volume",
                                      state,
                                      "wasmagent:latest",
                                      "--listen",
                                      "unix:/run/wasmagent/agent.sock",
                                      "--state-directory",
                                      "/var/lib/wasmagent",
                                      "--bind-root",
                                      "/home/me/src"}));
  ContainerAgentOptions selinux = Options();
  selinux.selinux = true;
  auto argv = ContainerAgent(selinux).RunCommand("/usr/bin/podman");
  EXPECT_THAT(argv, ::testing::IsSupersetOf({std::string("--userns=keep-id"),
                                             std::string("/home/me/src:/home/me/src:ro,Z"), run + ":Z", state + ":Z"}));
}

// A program of the image sees the checkout, and products that lie elsewhere, at their own paths, as the caller.
TEST_F(ContainerAgentTest, RunsAProgramOfTheImage) {
  ProgramRun run{{"wasmctl", "run", "--", "-c", "x"}, /*terminal=*/true, "/elsewhere"};
  EXPECT_EQ(ContainerAgent(Options()).ProgramCommand("docker", /*rootless=*/false, run),
            (std::vector<std::string>{"docker",
                                      "run",
                                      "--rm",
                                      "--interactive",
                                      "--tty",
                                      "--user",
                                      "1000:100",
                                      "--volume",
                                      "/home/me/src:/home/me/src",
                                      "--volume",
                                      "/elsewhere:/elsewhere",
                                      "--workdir",
                                      "/home/me/src",
                                      "--entrypoint",
                                      "wasmctl",
                                      "wasmagent:latest",
                                      "run",
                                      "--",
                                      "-c",
                                      "x"}));
  run.products = "/with:colon";
  EXPECT_TRUE(absl::IsInvalidArgument(ContainerAgent(Options()).RunInImage(run).status()));
}

// An engine that is installed and does not work is passed over; when none works, each one's own words are told.
TEST_F(ContainerAgentTest, TakesTheEngineThatWorks) {
  folder_.Add("podman", "echo 'no user namespaces' >&2; exit 125");
  EXPECT_THAT(std::string(ContainerAgent(Options()).FindEngine().status().message()),
              ::testing::AllOf(HasSubstr("no user namespaces"), HasSubstr("docker: not installed")));
  std::string docker = folder_.Add("docker", "exit 0");
  EXPECT_EQ(*ContainerAgent(Options()).FindEngine(), docker);
}

// An engine that hangs is given up.
TEST_F(ContainerAgentTest, AnEngineThatHangsIsGivenUp) {
  folder_.Add("docker", "exec sleep 600");
  ContainerAgentOptions options = Options();
  options.engine = "docker";
  options.engine_limit = absl::Milliseconds(200);
  EXPECT_THAT(std::string(ContainerAgent(options).FindEngine().status().message()),
              HasSubstr("did not end within 200ms"));
}

// Named: the engine's own message and the command, when the container does not start.
TEST_F(ContainerAgentTest, AFailedStartShowsWordsAndCommand) {
  folder_.Add("docker", "case $1 in run) echo 'mount denied' >&2; exit 125 ;; esac");
  std::string text(ContainerAgent(Options()).EnsureRunning().status().message());
  EXPECT_THAT(text, ::testing::AllOf(HasSubstr("mount denied"), HasSubstr("docker run --detach --name wasmagent-id7")));
}

// A container whose agent ended at once is an error with what it said, not a wait.
TEST_F(ContainerAgentTest, AnAgentThatEndsShowsItsLog) {
  folder_.Add("docker", "case $1 in container) echo false ;; logs) echo 'cannot write state' >&2 ;; esac");
  std::string text(ContainerAgent(Options()).EnsureRunning().status().message());
  EXPECT_THAT(text, ::testing::AllOf(HasSubstr("ended right after its start"), HasSubstr("cannot write state")));
}

// A missing image is told with the command that makes it, before anything is started.
TEST_F(ContainerAgentTest, AMissingImageSaysHowToBuildIt) {
  folder_.Add("docker", "case $1 in image) echo 'No such image' >&2; exit 1 ;; esac");
  absl::Status status = ContainerAgent(Options()).EnsureRunning().status();
  EXPECT_TRUE(absl::IsNotFound(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("./dev image"));
  EXPECT_THAT(folder_.Calls(), ::testing::Not(HasSubstr("<run>")));
}

// An engine that works and lacks the image is passed over for one that has it; a Docker daemon of the caller's own
// takes root inside for the caller.
TEST_F(ContainerAgentTest, TakesTheEngineThatHasTheImage) {
  folder_.Add("podman", "case $1 in image) echo 'no such image' >&2; exit 1 ;; run) exit 3 ;; esac");
  folder_.Add("docker",
              "case $1 in info) echo '[name=seccomp name=rootless]' ;; run) echo 'so far' >&2; exit 125 ;; esac");
  std::string text(ContainerAgent(Options()).EnsureRunning().status().message());
  EXPECT_THAT(text, ::testing::AllOf(HasSubstr("so far"), HasSubstr("docker run"), HasSubstr("--user 0:0")));
}

// A container is stopped in the engine that has it.
TEST_F(ContainerAgentTest, StopsItWhereItIs) {
  folder_.Add("podman", "case $1 in info) ;; *) exit 1 ;; esac");
  folder_.Add("docker", "exit 0");
  EXPECT_TRUE(ContainerAgent(Options()).Stop().ok());
  EXPECT_THAT(folder_.Calls(), HasSubstr("<stop>"));
}

// A running container costs no engine call; stopping one that is not there is no error.
TEST_F(ContainerAgentTest, FindsARunningOneAndStopsNone) {
  folder_.Add("docker", "case $1 in stop|rm) echo 'Error: No such container: x' >&2; exit 1 ;; esac");
  ContainerAgent agent(Options());
  EXPECT_TRUE(agent.Stop().ok());
  std::string calls = folder_.Calls();
  ASSERT_TRUE(platform::MakeDirectories(folder_.path() + "/cache/wasmagent/run/id7").ok());
  Listener listener(agent.SocketPath());
  EXPECT_TRUE(agent.EnsureRunning().ok());
  EXPECT_EQ(folder_.Calls(), calls);
}

// One that runs is not taken for the one that was asked for, when it is of another image or engine.
TEST_F(ContainerAgentTest, ARunningOneOfAnotherImageIsRefused) {
  const std::string run = folder_.path() + "/cache/wasmagent/run";
  ASSERT_TRUE(platform::MakeDirectories(run + "/id7").ok());
  ASSERT_TRUE(platform::WriteFileAtomically(run + "/id7.started", "docker\nmine:1\n", 0600, false).ok());
  Listener listener(ContainerAgent(Options()).SocketPath());
  ContainerAgentOptions options = Options();
  EXPECT_TRUE(ContainerAgent(options).EnsureRunning().ok()) << "no wish is no difference";
  options.image = "mine:1";
  options.engine = "docker";
  EXPECT_TRUE(ContainerAgent(options).EnsureRunning().ok());
  options.image = "mine:2";
  absl::Status status = ContainerAgent(options).EnsureRunning().status();
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_THAT(std::string(status.message()),
              ::testing::AllOf(HasSubstr("runs mine:1 in docker, and not mine:2 in docker"),
                               HasSubstr("wasmctl --engine docker agent down")));
  options.image.clear();
  options.engine = "podman";
  EXPECT_TRUE(absl::IsInvalidArgument(ContainerAgent(options).EnsureRunning().status()));
}

}  // namespace
}  // namespace wasmagent::client
