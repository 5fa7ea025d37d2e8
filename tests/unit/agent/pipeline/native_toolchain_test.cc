#include "agent/pipeline/native_toolchain.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "platform/install_advice.h"
#include "tests/unit/agent/pipeline/fake_machine.h"

namespace wasmagent::pipeline {
namespace {

using ::testing::HasSubstr;

// Rule: cc and make are needed; what is missing is named with what installs it.
TEST(NativeToolchain, NeedsCcAndMake) {
  const ScratchFolder scratch;
  const std::string path = scratch / "bin" + ":/nowhere";
  EXPECT_THAT(ProbeNative(path).problem, HasSubstr("no cc and no make in"));
  scratch.WriteProgram("bin/cc", "cc (Debian 12.2.0) 12.2.0\nmore");
  EXPECT_THAT(ProbeNative(path).problem, HasSubstr("no make in"));
  EXPECT_THAT(ProbeNative(path).problem, HasSubstr(platform::InstallAdvice({"build-essential", "gcc gcc-c++ make"})));
}

// Rule: the version is what the compiler says first; another compiler has another fingerprint.
TEST(NativeToolchain, VersionAndFingerprint) {
  const ScratchFolder scratch;
  const std::string path = scratch / "bin" + ":/usr/bin:/bin";
  scratch.WriteProgram("bin/make", "");
  scratch.WriteProgram("bin/cc", "cc (Debian 12.2.0) 12.2.0\nmore");
  const Toolchain first = ProbeNative(path);
  EXPECT_TRUE(first.usable) << first.problem;
  EXPECT_EQ(first.version, "cc (Debian 12.2.0) 12.2.0");
  EXPECT_EQ(ProbeNative(path).fingerprint, first.fingerprint);
  scratch.WriteProgram("bin/cc", "cc (Debian 12.2.1) 12.2.1\nmore");
  EXPECT_NE(ProbeNative(path).fingerprint, first.fingerprint);
  scratch.WriteProgram("bin/cc", "no licence", 3);
  EXPECT_THAT(ProbeNative(path).problem, HasSubstr("failed with exit code 3"));
}

}  // namespace
}  // namespace wasmagent::pipeline
