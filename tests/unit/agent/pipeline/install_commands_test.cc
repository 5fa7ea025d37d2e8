#include "agent/pipeline/install_commands.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace wasmagent::pipeline {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

// Rule: Debian's clang is a package away from a WASI SDK; elsewhere upstream's release is unpacked where it is looked
// for.
TEST(InstallCommands, WasiSdkByDistribution) {
  EXPECT_THAT(platform::InstallAdvice(WasiSdkPackage(), "ID=debian\n"),
              StartsWith("apt-get install clang lld llvm wasi-libc libclang-rt-dev-wasm32"));
  const std::string fedora = platform::InstallAdvice(WasiSdkPackage(), "ID=fedora\n");
  EXPECT_EQ(fedora, WasiSdkCommand());
  EXPECT_THAT(fedora, StartsWith("mkdir -p /opt/wasi-sdk && curl -sSfL "));
  EXPECT_THAT(fedora, HasSubstr("wasi-sdk-24.0-"));
  EXPECT_THAT(fedora, HasSubstr("tar -xz --strip-components=1 -C /opt/wasi-sdk"));
}

// Rule: what no distribution has comes from upstream, into a folder that is searched.
TEST(InstallCommands, UpstreamsOwn) {
  EXPECT_THAT(WasmtimeCommand(), HasSubstr("https://wasmtime.dev/install.sh"));
  EXPECT_THAT(WasmtimeCommand(), HasSubstr("/usr/local/bin"));
  EXPECT_THAT(EmsdkCommand(), StartsWith("git clone https://github.com/emscripten-core/emsdk /opt/emsdk && "));
  EXPECT_THAT(EmsdkCommand(), HasSubstr(platform::InstallAdvice({"git xz-utils python3", "git xz python3"})));
}

}  // namespace
}  // namespace wasmagent::pipeline
