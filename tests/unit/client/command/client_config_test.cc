#include "client/command/client_config.h"

#include <cstdlib>
#include <filesystem>

#include "gtest/gtest.h"
#include "platform/file.h"

namespace wasmagent::client {
namespace {

// An absent file is an empty configuration; what is saved is loaded again; a mistake names the file.
TEST(ClientConfig, LoadsWhatItSaves) {
  std::string folder = testing::TempDir() + "/config-XXXXXX";
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  ::setenv("XDG_CONFIG_HOME", folder.c_str(), 1);
  ASSERT_TRUE(LoadConfig().ok());
  wasmagent::config::v1::ClientConfig config;
  config.set_current_context("ci");
  config.add_contexts()->set_name("ci");
  ASSERT_TRUE(SaveConfig(config).ok());
  EXPECT_EQ(LoadConfig()->current_context(), "ci");
  ASSERT_TRUE(platform::WriteFileAtomically(ConfigPath().value(), "agnt: x\n").ok());
  EXPECT_NE(std::string(LoadConfig().status().message()).find("config.yaml:1:1: unknown key 'agnt'"),
            std::string::npos);
  ::unsetenv("XDG_CONFIG_HOME");
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace wasmagent::client
