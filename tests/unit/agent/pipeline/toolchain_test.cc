#include "agent/pipeline/toolchain.h"

#include <cstdlib>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "agent/pipeline/install_commands.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/agent/pipeline/fake_machine.h"

namespace wasmagent::pipeline {
namespace {

using ::testing::HasSubstr;

Toolchain WasiOf(const ProbeOptions& options) {
  const auto inventory = ProbeToolchains(options);
  EXPECT_TRUE(inventory.ok()) << inventory.status();
  return inventory->toolchains[0];
}

// Rule: the configured SDK goes before WASI_SDK_PATH, and one that was named is never replaced by another.
TEST(Toolchain, NamedSdksComeFirst) {
  const ScratchFolder scratch;
  const std::string one = MakeRelease(scratch, "one", "24.0");
  const std::string two = MakeRelease(scratch, "two", "25.0");
  ::setenv("WASI_SDK_PATH", two.c_str(), 1);
  EXPECT_EQ(WasiOf({one, scratch / "state", "/usr/bin:/bin"}).path, one);
  EXPECT_EQ(WasiOf({"", scratch / "state", "/usr/bin:/bin"}).path, two);
  ::setenv("WASI_SDK_PATH", "/no/such/sdk", 1);
  const Toolchain missing = WasiOf({"", scratch / "state", "/usr/bin:/bin"});
  EXPECT_FALSE(missing.usable);
  EXPECT_EQ(missing.problem, "WASI_SDK_PATH names /no/such/sdk, which is no folder");
  ::unsetenv("WASI_SDK_PATH");
}

// Rule: without an SDK the distribution's clang is dressed; without that either, the entry says what to install.
TEST(Toolchain, DistributionClangStandsIn) {
  if (std::filesystem::exists("/opt/wasi-sdk")) GTEST_SKIP() << "this machine has /opt/wasi-sdk";
  ::unsetenv("WASI_SDK_PATH");
  const ScratchFolder scratch;
  const std::string path = scratch / "usr/bin";
  const Toolchain missing = WasiOf({"", scratch / "state", path});
  EXPECT_FALSE(missing.usable);
  EXPECT_THAT(missing.problem, HasSubstr(platform::InstallAdvice(WasiSdkPackage())));
  MakeDistribution(scratch, 19);
  std::filesystem::create_symlink("/bin/sh", scratch / "usr/bin/sh");
  const Toolchain dressed = WasiOf({"", scratch / "state", path});
  EXPECT_TRUE(dressed.usable) << dressed.problem;
  EXPECT_EQ(dressed.path, scratch / "state/toolchains/wasi-sdk-debian-19");
}

// Rule: an empty machine is an inventory of what to install, not an error.
TEST(Toolchain, EmptyMachine) {
  const ScratchFolder scratch;
  ::unsetenv("WASI_SDK_PATH");
  const auto inventory =
      ProbeToolchains({scratch / "none", scratch / "state", scratch / "bin", scratch / "none either"});
  ASSERT_TRUE(inventory.ok());
  ASSERT_EQ(inventory->toolchains.size(), 3u);
  for (const Toolchain& toolchain : inventory->toolchains) EXPECT_NE(toolchain.problem, "") << toolchain.kind;
  EXPECT_TRUE(inventory->runtimes.empty());
  EXPECT_EQ(inventory->ccache, "");
  EXPECT_FALSE(ProbeToolchains({"", "relative", "/bin"}).ok());
}

}  // namespace
}  // namespace wasmagent::pipeline
