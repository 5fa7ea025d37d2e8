#include "proto/yaml_config.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "wasmagent/config/v1/agent_config.pb.h"
#include "wasmagent/config/v1/client_config.pb.h"
#include "wasmagent/v1/build.pb.h"

namespace wasmagent::config {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
using v1::AgentConfig;
using v1::ClientConfig;

std::string ErrorOf(std::string_view text) {
  AgentConfig config;
  absl::Status status = FillFromYaml("agent.yaml", text, &config);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << text;
  return std::string(status.message());
}

// Scalars, lists and lists of messages fill the fields of their names.
TEST(YamlConfig, FillsScalarsListsAndMessages) {
  AgentConfig agent;
  ASSERT_TRUE(
      FillFromYaml("a", "listen: [unix:/x, '127.0.0.1:1']\nslots: 3\ninsecure_listen: true\ncompiler_cache_bytes: 0\n",
                   &agent)
          .ok());
  EXPECT_EQ(agent.listen_size(), 2);
  EXPECT_EQ(agent.listen(1), "127.0.0.1:1");
  EXPECT_EQ(agent.slots(), 3U);
  EXPECT_TRUE(agent.insecure_listen());
  EXPECT_TRUE(agent.has_compiler_cache_bytes());

  ClientConfig client;
  ASSERT_TRUE(
      FillFromYaml("c", "contexts:\n  - name: a\n    agent: h:1\n  - {name: b, agent: 'unix:/s'}\n", &client).ok());
  ASSERT_EQ(client.contexts_size(), 2);
  EXPECT_EQ(client.contexts(1).agent(), "unix:/s");
}

// Map fields are mappings.
TEST(YamlConfig, FillsMaps) {
  wasmagent::v1::BuildOptions options;
  ASSERT_TRUE(FillFromYaml("m", "env: {A: '1', B: two}\n", &options).ok());
  EXPECT_EQ(options.env().at("B"), "two");
}

// An empty file, or one with comments only, changes nothing.
TEST(YamlConfig, EmptyDocumentChangesNothing) {
  AgentConfig config;
  config.set_slots(5);
  EXPECT_TRUE(FillFromYaml("a", "", &config).ok());
  EXPECT_TRUE(FillFromYaml("a", "# nothing\n", &config).ok());
  EXPECT_EQ(config.slots(), 5U);
}

// A list replaces what was there, so that a file read later overrides one read before.
TEST(YamlConfig, ListsReplace) {
  AgentConfig config;
  config.add_listen("old");
  ASSERT_TRUE(FillFromYaml("a", "listen: [new]", &config).ok());
  ASSERT_EQ(config.listen_size(), 1);
  EXPECT_EQ(config.listen(0), "new");
}

// A mistake is reported with file, line and column; an unknown key with those that are known.
TEST(YamlConfig, MistakesAreNamedWithTheirPlace) {
  EXPECT_THAT(ErrorOf("slots: 1\nslotz: 2\n"), StartsWith("agent.yaml:2:1: unknown key 'slotz'; known here: listen, "));
  EXPECT_THAT(ErrorOf("slots: many"), StartsWith("agent.yaml:1:8: 'slots' must be a whole number"));
  EXPECT_THAT(ErrorOf("slots: -1"), HasSubstr("1:8"));
  EXPECT_THAT(ErrorOf("slots: 4294967296"), HasSubstr("1:8"));
  EXPECT_THAT(ErrorOf("insecure_listen: perhaps"), HasSubstr("true or false"));
  EXPECT_THAT(ErrorOf("listen: one"), HasSubstr("must be a list"));
  EXPECT_THAT(ErrorOf("listen: [{a: b}]"), HasSubstr("single value"));
  EXPECT_THAT(ErrorOf("slots: 1\nslots: 2"), HasSubstr("twice"));
  EXPECT_THAT(ErrorOf("- a"), HasSubstr("expected a mapping"));
  EXPECT_THAT(ErrorOf("a: [1"), StartsWith("agent.yaml:"));
  EXPECT_THAT(ErrorOf("slots: 1\n---\nslots: 2\n"), HasSubstr("2 documents"));
}

// What is printed is read back as the same message, awkward strings included.
TEST(YamlConfig, PrintsWhatItReads) {
  ClientConfig client;
  client.set_agent("yes");
  client.set_image("a: \"b\"\n#c");
  auto* context = client.add_contexts();
  context->set_name("1");
  context->set_agent("unix:/p");
  ClientConfig again;
  ASSERT_TRUE(FillFromYaml("c", ToYaml(client), &again).ok()) << ToYaml(client);
  EXPECT_EQ(again.SerializeAsString(), client.SerializeAsString());
}

}  // namespace
}  // namespace wasmagent::config
