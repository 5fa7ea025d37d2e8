#include "agent/pipeline/wasi_sdk.h"

#include "agent/pipeline/install_commands.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/agent/pipeline/fake_machine.h"

namespace wasmagent::pipeline {
namespace {

using ::testing::HasSubstr;

constexpr char kPath[] = "/usr/bin:/bin";

// Rule: the distribution's clang counts as the release of its time, so that a target's minimum holds for it, too; and
// never as one of those that are refused for their own libc.
TEST(WasiSdk, TheDistributionsClangHasAVintage) {
  auto major = [](int clang) {
    Toolchain sdk;
    sdk.version = "distribution clang " + std::to_string(clang) + " (clang version)";
    return WasiSdkMajor(sdk);
  };
  EXPECT_EQ(major(14), 16);
  EXPECT_EQ(major(19), 25);
  EXPECT_EQ(major(20), 25);
}

// Rule: releases old and new are recognised, their version read from VERSION or from the folder's name.
TEST(WasiSdk, ReleasesAreRecognised) {
  const ScratchFolder scratch;
  const Toolchain sdk =
      ProbeWasiSdk(MakeRelease(scratch, "sdk", "24.0+m\nwasi-libc: b9ef79d7dbd4\nllvm: 26a1\n"), kPath);
  EXPECT_TRUE(sdk.usable) << sdk.problem;
  EXPECT_EQ(sdk.version, "wasi-sdk 24.0 (clang version 18.1.2)");
  EXPECT_EQ(WasiSdkMajor(sdk), 24);
  EXPECT_EQ(sdk.fingerprint.size(), 64u);
  EXPECT_EQ(WasiSdkMajor(ProbeWasiSdk(MakeRelease(scratch, "wasi-sdk-16.0", ""), kPath)), 16);
  EXPECT_TRUE(ProbeWasiSdk(MakeRelease(scratch, "new", "25.0", "wasm32-wasip1"), kPath).usable);
  const Toolchain unknown = ProbeWasiSdk(MakeRelease(scratch, "unknown", ""), kPath);
  EXPECT_TRUE(unknown.usable);
  EXPECT_EQ(unknown.version, "clang version 18.1.2");
  EXPECT_EQ(WasiSdkMajor(unknown), 0);
}

// Rule: an SDK that is too old, or not whole, or does not run, says what was found, what is needed and what mends it.
TEST(WasiSdk, ProblemsAreNamed) {
  const ScratchFolder scratch;
  const std::string old(ProbeWasiSdk(MakeRelease(scratch, "old", "14.0"), kPath).problem);
  EXPECT_THAT(old, HasSubstr("is version 14.0; at least 16 is needed: CPython asks for it"));
  EXPECT_THAT(old, HasSubstr("https://github.com/bytecodealliance/wasmtime/issues/4184"));
  EXPECT_THAT(old, HasSubstr(WasiSdkCommand()));
  const std::string torn = MakeRelease(scratch, "torn", "24.0");
  std::filesystem::remove_all(torn + "/share/wasi-sysroot/lib");
  EXPECT_THAT(ProbeWasiSdk(torn, kPath).problem, HasSubstr("has no share/wasi-sysroot/lib/wasm32-wasi/libc.a"));
  std::filesystem::remove(torn + "/bin/wasm-ld");
  EXPECT_THAT(ProbeWasiSdk(torn, kPath).problem, HasSubstr("has no bin/wasm-ld"));
  const std::string bare = MakeRelease(scratch, "bare", "24.0");
  std::filesystem::remove(bare + "/rt.a");
  EXPECT_THAT(ProbeWasiSdk(bare, kPath).problem,
              HasSubstr("runtime library for wasm32 is missing (" + bare + "/rt.a); move the SDK away and unpack"));
  scratch.Write("bare/bin/clang", FakeClang("14.0.6", "/usr/lib/llvm-14/bin", scratch / "usr/lib/llvm-14/lib/rt.a"),
                true);
  EXPECT_THAT(ProbeWasiSdk(bare, kPath).problem,
              HasSubstr("is missing (" + (scratch / "usr/lib/llvm-14/lib/rt.a") + "); " +
                        platform::InstallAdvice({"libclang-rt-14-dev-wasm32", "", WasiSdkCommand()})));
  const std::string foreign = MakeRelease(scratch, "foreign", "24.0");
  scratch.WriteProgram("foreign/bin/clang", "wrong ELF class", 126);
  EXPECT_THAT(ProbeWasiSdk(foreign, kPath).problem, HasSubstr("does not run (exit code 126: wrong ELF class)"));
  EXPECT_FALSE(ProbeWasiSdk(foreign, kPath).usable);
}

// Rule: what a clang warns of on stderr is no part of its answers: Fedora's loader does so each time that it starts.
TEST(WasiSdk, WarningsAreNoAnswer) {
  const ScratchFolder scratch;
  const std::string sdk = MakeRelease(scratch, "sdk", "24.0");
  std::string script = scratch.Read("sdk/bin/clang");
  script.insert(script.find('\n') + 1, "cat " + (scratch / "warning") + " >&2\n");
  scratch.Write("sdk/bin/clang", script, true);
  scratch.Write("warning", "");
  const Toolchain quiet = ProbeWasiSdk(sdk, kPath);
  scratch.Write("warning", "clang: /lib64/libtinfo.so.6: no version information available (required by clang)\n");
  const Toolchain warned = ProbeWasiSdk(sdk, kPath);
  EXPECT_TRUE(warned.usable) << warned.problem;
  EXPECT_EQ(warned.version, quiet.version);
  EXPECT_EQ(warned.fingerprint, quiet.fingerprint);
}

// Rule: the fingerprint changes with anything that is compiled with, and not otherwise.
TEST(WasiSdk, FingerprintFollowsTheTools) {
  const ScratchFolder scratch;
  const std::string sdk = MakeRelease(scratch, "sdk", "24.0");
  std::vector<std::string> seen = {ProbeWasiSdk(sdk, kPath).fingerprint};
  EXPECT_EQ(ProbeWasiSdk(sdk, kPath).fingerprint, seen[0]);
  const auto expect_new = [&](const char* what) {
    const std::string fingerprint = ProbeWasiSdk(sdk, kPath).fingerprint;
    EXPECT_EQ(std::count(seen.begin(), seen.end(), fingerprint), 0) << what;
    seen.push_back(fingerprint);
  };
  scratch.Write("sdk/share/wasi-sysroot/lib/wasm32-wasi/libc.a", "newer libc");
  expect_new("libc");
  scratch.Write("sdk/rt.a", "newer");
  expect_new("compiler-rt");
  scratch.Write("sdk/bin/clang", FakeClang("18.1.3", sdk + "/bin", sdk + "/rt.a"), true);
  expect_new("clang");
  scratch.WriteProgram("sdk/bin/wasm-ld", "newer");
  expect_new("wasm-ld");
  scratch.Write("sdk/VERSION", "24.1");
  expect_new("VERSION");
}

}  // namespace
}  // namespace wasmagent::pipeline
