#include "agent/config.h"

#include <vector>

#include "gmock/gmock.h"
#include "google/protobuf/descriptor.h"
#include "gtest/gtest.h"
#include "platform/directory.h"
#include "platform/file.h"

namespace wasmagent::agent {
namespace {

using config::v1::AgentConfig;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ConfigTest : public ::testing::Test {
 protected:
  ConfigTest() : directory_(platform::MakeTemporaryDirectory(::testing::TempDir(), "config").value()) {}
  ~ConfigTest() override { EXPECT_TRUE(platform::RemoveTree(directory_).ok()); }

  static absl::StatusOr<ParsedCommandLine> Parse(std::vector<std::string> words) {
    words.insert(words.begin(), "wasmagent");
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    return ParseCommandLine(static_cast<int>(argv.size()), argv.data());
  }
  // The configuration of a command line that must be right.
  static AgentConfig Config(std::vector<std::string> words) {
    auto parsed = Parse(std::move(words));
    EXPECT_TRUE(parsed.ok()) << parsed.status();
    if (!parsed.ok()) return {};
    EXPECT_EQ(parsed->exit_code, -1);
    return parsed->invocation.config;
  }
  // The exit code of one after which nothing is left to do, and what it said.
  static int ExitCode(std::vector<std::string> words, std::string& said) {
    ::testing::internal::CaptureStdout();
    ::testing::internal::CaptureStderr();
    auto parsed = Parse(std::move(words));
    said = ::testing::internal::GetCapturedStdout() + ::testing::internal::GetCapturedStderr();
    EXPECT_TRUE(parsed.ok()) << parsed.status();
    return parsed.ok() ? parsed->exit_code : -1;
  }
  std::string File(const std::string& text) {
    EXPECT_TRUE(platform::WriteFileAtomically(directory_ + "/agent.yaml", text).ok());
    return directory_ + "/agent.yaml";
  }
  static std::string Refusal(const AgentConfig& config) {
    absl::Status status = CheckConfig(config);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    return std::string(status.message());
  }

  const std::string directory_;
};

// Whatever the file can say, a flag can say, and it fills the same field.
TEST_F(ConfigTest, EachFieldHasItsFlag) {
  const std::map<std::string, std::string> texts = {
      {"listen", "unix:/x"},  {"state_directory", "/state"}, {"bind_roots", "/src"},          {"log_level", "debug"},
      {"log_format", "json"}, {"wasi_sdk", "/sdk"},          {"emscripten_sdk", "/opt/emsdk"}};
  const auto* type = AgentConfig::descriptor();
  for (int i = 0; i < type->field_count(); ++i) {
    const auto* field = type->field(i);
    std::string flag = "--" + std::string(field->name());
    for (char& c : flag) c = c == '_' ? '-' : c;
    // A list's flag is given once for each item.
    if (field->name() == "bind_roots") flag = "--bind-root";
    std::vector<std::string> words = {flag};
    if (field->cpp_type() == google::protobuf::FieldDescriptor::CPPTYPE_STRING) {
      ASSERT_TRUE(texts.contains(std::string(field->name()))) << field->name();
      words.push_back(texts.at(std::string(field->name())));
    } else if (field->cpp_type() != google::protobuf::FieldDescriptor::CPPTYPE_BOOL) {
      words.push_back("77");
    }
    AgentConfig config = Config(words);
    std::string text = config.ShortDebugString();
    std::string value = words.size() == 1 ? "true" : words[1];
    EXPECT_THAT(text, HasSubstr(std::string(field->name()) + ": " +
                                (texts.contains(std::string(field->name())) ? "\"" + value + "\"" : value)));
  }
}

// Flags go before the file, the file before the defaults; a list is replaced, not added to.
TEST_F(ConfigTest, FlagsGoBeforeTheFile) {
  std::string file = File("state_directory: /state\nslots: 3\njobs: 5\nlisten: ['unix:/a', 'unix:/b']\n");
  AgentConfig config = Config({"--config", file, "--slots", "9", "--listen", "unix:/c", "--listen", "unix:/d"});
  EXPECT_EQ(config.slots(), 9U);
  EXPECT_EQ(config.jobs(), 5U);
  EXPECT_EQ(config.state_directory(), "/state");
  EXPECT_THAT(config.listen(), ElementsAre("unix:/c", "unix:/d"));
  EXPECT_EQ(config.queue_limit(), 100U);
  EXPECT_THAT(Config({"--config", file}).listen(), ElementsAre("unix:/a", "unix:/b"));
}

// What is not set has a default that can be started with; 0 for no compiler cache is a choice.
TEST_F(ConfigTest, DefaultsFillTheRest) {
  AgentConfig config = Config({"--state-directory", "/state"});
  EXPECT_THAT(config.listen(), ElementsAre("unix:/state/agent.sock"));
  EXPECT_EQ(config.slots(), 1U);
  EXPECT_EQ(config.default_timeout_seconds(), 7200U);
  EXPECT_EQ(config.blob_budget_bytes(), uint64_t{10} << 30);
  EXPECT_EQ(config.compiler_cache_bytes(), uint64_t{5} << 30);
  EXPECT_EQ(config.log_level(), "info");
  EXPECT_EQ(config.idle_exit_seconds(), 0U);
  EXPECT_EQ(Config({"--compiler-cache-bytes", "0"}).compiler_cache_bytes(), 0U);
  AgentConfig nothing;
  FillDefaults(nothing);
  EXPECT_TRUE(CheckConfig(nothing).ok());
  EXPECT_TRUE(nothing.state_directory().starts_with('/'));
}

// A value that cannot be right is refused with the name of its field.
TEST_F(ConfigTest, BadValuesAreNamed) {
  AgentConfig good;
  FillDefaults(good);
  AgentConfig config = good;
  config.set_state_directory("relative");
  EXPECT_THAT(Refusal(config), HasSubstr("state_directory"));
  config = good;
  config.add_bind_roots("relative");
  EXPECT_THAT(Refusal(config), AllOf(HasSubstr("bind_roots"), HasSubstr("relative")));
  config = good;
  config.set_slots(257);
  EXPECT_THAT(Refusal(config), HasSubstr("slots"));
  config = good;
  config.set_log_level("loud");
  EXPECT_THAT(Refusal(config), AllOf(HasSubstr("log_level"), HasSubstr("'loud'")));
  config = good;
  config.set_log_format("xml");
  EXPECT_THAT(Refusal(config), AllOf(HasSubstr("log_format"), HasSubstr("'xml'")));
}

// Addresses beyond this machine need the flag that says that the network is trusted.
TEST_F(ConfigTest, OpenAddressesNeedTheirFlag) {
  absl::Status refused = Parse({"--listen", "0.0.0.0:7890"}).status();
  EXPECT_FALSE(refused.ok());
  EXPECT_THAT(std::string(refused.message()), AllOf(HasSubstr("listen"), HasSubstr("0.0.0.0:7890")));
  EXPECT_TRUE(Config({"--listen", "0.0.0.0:7890", "--insecure-listen"}).insecure_listen());
  // A name that begins like a loopback address may be anybody's; an abstract socket has no owner.
  for (const char* address : {"127.example.org:7890", "128.0.0.1:7890", "unix-abstract:agent"}) {
    EXPECT_FALSE(Parse({"--listen", address}).ok()) << address;
  }
  for (const char* address : {"127.0.0.1:7890", "127.1.2.3:0", "localhost:7890", "[::1]:7890"}) {
    EXPECT_TRUE(Parse({"--listen", address}).ok()) << address;
  }
}

// A mistake in the file has its place; a file that is not there is wrong usage.
TEST_F(ConfigTest, MistakesInTheFileHaveTheirPlace) {
  std::string file = File("slots: 1\nslotz: 2\n");
  absl::Status status = Parse({"--config", file}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr(file + ":2:1: unknown key 'slotz'"));
  std::string said;
  EXPECT_EQ(ExitCode({"--config", directory_ + "/absent"}, said), 2);
  EXPECT_THAT(said, HasSubstr(directory_ + "/absent"));
}

// Wrong usage ends with 2 and a word about it, a question with 0.
TEST_F(ConfigTest, ExitCodes) {
  std::string said;
  EXPECT_EQ(ExitCode({"--no-such-flag"}, said), 2);
  EXPECT_THAT(said, HasSubstr("--no-such-flag"));
  EXPECT_EQ(ExitCode({"--slots", "many"}, said), 2);
  EXPECT_THAT(said, HasSubstr("--slots"));
  EXPECT_EQ(ExitCode({"dress-sdk"}, said), 2);
  EXPECT_THAT(said, HasSubstr("--dest"));
  EXPECT_EQ(ExitCode({"--help"}, said), 0);
  EXPECT_THAT(said, HasSubstr("--state-directory"));
  EXPECT_EQ(ExitCode({"--version"}, said), 0);
  EXPECT_THAT(said, HasSubstr("wasmagent 1.2.3"));
}

// What is to be done is told apart.
TEST_F(ConfigTest, Actions) {
  EXPECT_EQ(Parse({})->invocation.action, Invocation::Action::kServe);
  EXPECT_EQ(Parse({"--print-config"})->invocation.action, Invocation::Action::kPrintConfig);
  auto dress = Parse({"dress-sdk", "--dest", "/opt/sdk"});
  EXPECT_EQ(dress->invocation.action, Invocation::Action::kDressSdk);
  EXPECT_EQ(dress->invocation.dress_destination, "/opt/sdk");
}

}  // namespace
}  // namespace wasmagent::agent
