#include "agent/pipeline/dress_sdk.h"

#include "agent/pipeline/install_commands.h"
#include "agent/pipeline/probe_command.h"
#include "agent/pipeline/toolchain.h"
#include "agent/pipeline/wasi_sdk.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/agent/pipeline/fake_machine.h"

namespace wasmagent::pipeline {
namespace {

using ::testing::HasSubstr;

// Rule: the newest clang that is whole is taken, even beside a newer one that is not.
TEST(DressSdk, TakesTheNewestWholeClang) {
  const ScratchFolder scratch;
  MakeDistribution(scratch, 14);
  MakeDistribution(scratch, 16);
  MakeDistribution(scratch, 19);
  std::filesystem::remove(scratch / "usr/lib/llvm-19/bin/wasm-ld");
  const auto clang = FindDistributionClang(scratch / "usr/bin");
  ASSERT_TRUE(clang.ok()) << clang.status();
  EXPECT_EQ(clang->version, 16);
  EXPECT_EQ(clang->headers, scratch / "usr/include/wasm32-wasi");
}

// Rule: what is missing is told as packages, with the command that installs them.
TEST(DressSdk, MissingPackagesAreNamed) {
  const ScratchFolder scratch;
  const auto none = FindDistributionClang(scratch / "usr/bin");
  EXPECT_EQ(none.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(none.status().message()), HasSubstr(platform::InstallAdvice(WasiSdkPackage())));
  MakeDistribution(scratch, 14);
  std::filesystem::remove_all(scratch / "usr/lib/wasm32-wasi");
  std::filesystem::remove_all(scratch / "usr/lib/llvm-14/lib");
  const std::string partly(FindDistributionClang(scratch / "usr/bin").status().message());
  EXPECT_THAT(partly, HasSubstr("wasi-libc, libclang-rt-14-dev-wasm32 are missing"));
  EXPECT_THAT(partly, HasSubstr(platform::InstallAdvice(
                          {"wasi-libc libclang-rt-14-dev-wasm32 libc++-14-dev-wasm32", "", WasiSdkCommand()})));
}

// Rule: a dressed SDK is one that the probe takes, and a second dressing changes nothing.
TEST(DressSdk, DressedSdkIsUsable) {
  const ScratchFolder scratch;
  MakeDistribution(scratch, 19);
  const std::string sdk = scratch / "state/sdk";
  ASSERT_TRUE(DressSdk(sdk, scratch / "usr/bin").ok());
  const Toolchain toolchain = ProbeWasiSdk(sdk, "/usr/bin:/bin");
  EXPECT_TRUE(toolchain.usable) << toolchain.problem;
  EXPECT_EQ(toolchain.version, "distribution clang 19 (clang version 19.1.7)");
  EXPECT_THAT(scratch.Read("state/sdk/bin/clang++"),
              HasSubstr("llvm-19/bin/clang++ --target=wasm32-wasi --sysroot=" + sdk));
  EXPECT_THAT(scratch.Read("state/sdk/share/cmake/wasi-sdk.cmake"), HasSubstr("CMAKE_SYSTEM_NAME WASI"));
  const auto before = std::filesystem::last_write_time(sdk + "/bin");
  ASSERT_TRUE(DressSdk(sdk, scratch / "usr/bin").ok());
  EXPECT_EQ(std::filesystem::last_write_time(sdk + "/bin"), before);
  MakeDistribution(scratch, 20);
  ASSERT_TRUE(DressSdk(sdk, scratch / "usr/bin").ok());
  EXPECT_THAT(scratch.Read("state/sdk/bin/clang"), HasSubstr("llvm-20"));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(scratch / "state"), {}), 1)
      << "nothing is left beside it";
}

// Rule: somebody else's folder is never replaced.
TEST(DressSdk, ForeignFoldersAreKept) {
  const ScratchFolder scratch;
  MakeDistribution(scratch, 19);
  const std::string release = MakeRelease(scratch, "opt/wasi-sdk", "24.0\n");
  EXPECT_EQ(DressSdk(release, scratch / "usr/bin").code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(scratch.Read("opt/wasi-sdk/VERSION"), "24.0\n");
  EXPECT_EQ(DressSdk("relative", scratch / "usr/bin").code(), absl::StatusCode::kInvalidArgument);
  std::filesystem::create_directories(scratch / "empty");
  EXPECT_TRUE(DressSdk(scratch / "empty", scratch / "usr/bin").ok());
}

}  // namespace
}  // namespace wasmagent::pipeline
