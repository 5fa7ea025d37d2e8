#include "client/command/machine_check.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/client/session/scripts.h"

namespace wasmagent::client {
namespace {

using ::testing::HasSubstr;
using Level = Finding::Level;

constexpr char kProbe[] = R"({
 "toolchains": [
  {"kind": "wasi", "path": "/opt/wasi-sdk", "version": "wasi-sdk 24.0", "usable": true},
  {"kind": "native", "problem": "no cc in /bin; install it: apt-get install build-essential"}],
 "runtimes": [
  {"name": "node", "path": "/usr/bin/node", "version": "20.1.0"},
  {"name": "wasmtime", "path": "/bin/wasmtime", "version": "14.0.1", "problem": "misreads --dir"}],
 "compilerCache": "/usr/bin/ccache", "jobs": 2, "jobsReason": "two CPUs", "ofANewerAgent": 1})";

class MachineCheckTest : public ::testing::Test {
 protected:
  // A machine with nothing but what the test puts on its PATH.
  LocatorInput Input() {
    LocatorInput input;
    input.folders = folder_.folders();
    input.checkout = folder_.path();
    input.checkout_id = "id7";
    input.system_sockets.clear();
    input.embedded_program = folder_.bin() + "/wasmagent";
    return input;
  }
  const Finding& Of(const MachineReport& report, const std::string& subject) {
    for (const Finding& finding : report.findings) {
      if (finding.subject == subject) return finding;
    }
    ADD_FAILURE() << "no finding on " << subject;
    return report.findings.front();
  }
  ScriptFolder folder_;
};

// Rule: what the agent's program tells of the machine arrives, the unusable as wrong and the absent as missing.
TEST_F(MachineCheckTest, ReadsTheProbe) {
  MachineReport report;
  report.findings = FindingsOfProbe(kProbe);
  EXPECT_EQ(Of(report, "wasi SDK").level, Level::kGood);
  EXPECT_EQ(Of(report, "wasi SDK").found, "wasi-sdk 24.0 in /opt/wasi-sdk");
  EXPECT_EQ(Of(report, "native SDK").level, Level::kMissing);
  EXPECT_THAT(Of(report, "native SDK").found, HasSubstr("apt-get install build-essential"));
  EXPECT_EQ(report.findings[3].level, Level::kWrong);
  EXPECT_THAT(report.findings[3].found, HasSubstr("misreads --dir"));
  EXPECT_EQ(Of(report, "parallel jobs").found, "2 (two CPUs)");
  EXPECT_EQ(FindingsOfProbe("no JSON").front().level, Level::kWrong);
}

// Rule: on a machine with nothing, each finding has its remedy, and there is no agent.
TEST_F(MachineCheckTest, ABareMachine) {
  const MachineReport report = CheckMachine(Input());
  EXPECT_FALSE(report.has_agent);
  for (const char* subject : {"git", "container engine", "embedded agent", "agent"}) {
    EXPECT_NE(Of(report, subject).level, Level::kGood) << subject;
    EXPECT_FALSE(Of(report, subject).remedy.empty()) << subject;
  }
}

// Rule: an agent that could be started counts, and is not started.
TEST_F(MachineCheckTest, WhatCouldBeStartedCounts) {
  folder_.Add("wasmagent", std::string("cat <<'END'\n") + kProbe + "\nEND");
  folder_.Add("git", "echo git version 2.39.5");
  MachineReport report = CheckMachine(Input());
  EXPECT_TRUE(report.has_agent);
  EXPECT_THAT(Of(report, "agent").found, HasSubstr("embedded"));
  EXPECT_THAT(Of(report, "git").found, HasSubstr("2.39.5"));
  EXPECT_THAT(folder_.Calls(), HasSubstr("<probe>"));
  folder_.Add("docker", "exit 0");
  report = CheckMachine(Input());
  EXPECT_THAT(Of(report, "agent").found, HasSubstr("in a container"));
  EXPECT_THAT(folder_.Calls(), ::testing::Not(HasSubstr("<run>")));
}

// Rule: any usable SDK makes an embedded agent one that could be started, whether it is asked for by name or not; a
// compiler for the machine itself does not.
TEST_F(MachineCheckTest, EmscriptenAloneIsEnough) {
  constexpr char kEmscripten[] = R"({"toolchains": [
    {"kind": "wasi", "problem": "no WASI SDK"},
    {"kind": "emscripten", "path": "/opt/emsdk", "version": "emscripten 3.1.58", "usable": true}]})";
  folder_.Add("wasmagent", std::string("cat <<'END'\n") + kEmscripten + "\nEND");
  LocatorInput input = Input();
  EXPECT_TRUE(CheckMachine(input).has_agent);
  EXPECT_THAT(Of(CheckMachine(input), "agent").found, HasSubstr("embedded"));
  input.flag = kEmbedded;
  EXPECT_TRUE(CheckMachine(input).has_agent);
  constexpr char kNative[] = R"({"toolchains": [
    {"kind": "wasi", "problem": "no WASI SDK"},
    {"kind": "native", "path": "/usr/bin/cc", "version": "cc 12", "usable": true}]})";
  folder_.Add("wasmagent", std::string("cat <<'END'\n") + kNative + "\nEND");
  EXPECT_FALSE(CheckMachine(input).has_agent);
  EXPECT_FALSE(CheckMachine(Input()).has_agent);
}

// Rule: an engine without the image, and a wasmagent that does not run, are told with what mends them.
TEST_F(MachineCheckTest, WhatIsWrongIsTold) {
  folder_.Add("wasmagent", "echo cannot open shared object >&2; exit 127");
  folder_.Add("docker", "test \"$1\" = info");
  LocatorInput input = Input();
  input.flag = kContainer;
  const MachineReport report = CheckMachine(input);
  EXPECT_FALSE(report.has_agent);
  EXPECT_EQ(Of(report, "embedded agent").level, Level::kWrong);
  EXPECT_THAT(Of(report, "embedded agent").found, HasSubstr("cannot open shared object"));
  EXPECT_EQ(Of(report, "agent's image").remedy, "./dev image");
  EXPECT_THAT(Of(report, "agent").found, HasSubstr("container, as was asked for"));
}

// Rule: an agent that runs is the one that is taken.
TEST_F(MachineCheckTest, AnAgentThatRunsIsTaken) {
  ASSERT_TRUE(platform::MakeDirectories(folder_.path() + "/runtime/wasmagent").ok());
  const Listener listener(folder_.path() + "/runtime/wasmagent/agent.sock");
  const MachineReport report = CheckMachine(Input());
  EXPECT_TRUE(report.has_agent);
  EXPECT_THAT(Of(report, "agent").found, HasSubstr("agent.sock"));
}

}  // namespace
}  // namespace wasmagent::client
