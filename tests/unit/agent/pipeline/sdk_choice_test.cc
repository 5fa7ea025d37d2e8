#include "agent/pipeline/sdk_choice.h"

#include "agent/pipeline/embedded_texts.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace wasmagent::pipeline {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Toolchain Sdk(const std::string& kind, const std::string& path, const std::string& version) {
  return {kind, path, version, "f" + path, true, ""};
}

class SdkChoiceTest : public ::testing::Test {
 protected:
  SdkChoiceTest() {
    target_.name = "t";
    target_.toolchain = "emscripten";
    machine_.toolchains = {Sdk("native", "/usr/bin/cc", "cc 12"), Sdk("emscripten", "/old", "emscripten 3.1.19"),
                           Sdk("emscripten", "/new", "emscripten 3.1.69"),
                           Sdk("emscripten", "/mid", "emscripten 3.1.9")};
  }
  std::string Chosen() {
    const auto choice = ChooseSdk(target_, machine_);
    return choice.ok() ? choice->toolchain->path : std::string(choice.status().message());
  }

  TargetTemplate target_;
  ToolchainInventory machine_;
};

// Rule: the newest is taken, by number; a preferred version goes before it, and the only one named before all.
TEST_F(SdkChoiceTest, NewestUnlessTheTargetSaysOtherwise) {
  EXPECT_EQ(Chosen(), "/new");
  target_.preferred_sdk = "3.1.19";
  EXPECT_EQ(Chosen(), "/old");
  target_.preferred_sdk = "4";
  EXPECT_EQ(Chosen(), "/new") << "one that is preferred and not there is no loss";
  target_.sdk = "3.1.9";
  EXPECT_EQ(Chosen(), "/mid");
  target_.sdk = "4";
  EXPECT_THAT(Chosen(), HasSubstr("target 't' names Emscripten SDK 4; /old is emscripten 3.1.19; install another"));
}

// Rule: refused and older versions are passed over, and so is what is not usable.
TEST_F(SdkChoiceTest, RulesPassOver) {
  target_.refused_sdks = {{"3.1.69", "it is broken"}};
  EXPECT_EQ(Chosen(), "/old");
  target_.minimum_sdk = "3.1.20";
  EXPECT_THAT(Chosen(), HasSubstr("Emscripten SDK 3.1.69, which is in /new: it is broken"));
  EXPECT_THAT(Chosen(), HasSubstr("needs an Emscripten SDK of version 3.1.20 or newer; /mid is emscripten 3.1.9"));
  target_.minimum_sdk_reason = "older ones hang";
  EXPECT_THAT(Chosen(), HasSubstr("of version 3.1.20 or newer: older ones hang; /mid is emscripten 3.1.9"));
  target_.minimum_sdk.clear();
  machine_.toolchains[1].usable = false;
  machine_.toolchains[1].problem = "it has no node";
  EXPECT_EQ(Chosen(), "/mid");
}

// Rule: remarks say what was chosen and why, and what was not; where there is no choice, there is nothing to say.
TEST_F(SdkChoiceTest, RemarksSayWhy) {
  target_.refused_sdks = {{"3.1.9", "it is broken"}};
  EXPECT_THAT(ChooseSdk(target_, machine_)->remarks,
              ElementsAre("toolchain: /new (emscripten 3.1.69): the newest that it may be built with",
                          "passed over: /old (emscripten 3.1.19)", HasSubstr("passed over: target 't' must not be")));
  EXPECT_TRUE(ChooseSdk(target_, machine_)->among_several);
  target_.toolchain = "native";
  EXPECT_THAT(ChooseSdk(target_, machine_)->remarks, ElementsAre("toolchain: /usr/bin/cc (cc 12)"));
  EXPECT_FALSE(ChooseSdk(target_, machine_)->among_several);
}

// Rule: versions of the WASI SDK are compared in full, a dressed one by the release of its time; rules mean nothing to
// an SDK that does not tell its version, and to native tools.
TEST_F(SdkChoiceTest, WasiReleases) {
  target_.toolchain = "wasi";
  target_.minimum_sdk = "20";
  target_.refused_sdks = {{"26", "it hangs"}};
  machine_.toolchains = {Sdk("wasi", "/a", "distribution clang 14 (Debian clang version 14.0.6)"),
                         Sdk("wasi", "/b", "wasi-sdk 24.0 (clang version 18.1.2)"),
                         Sdk("wasi", "/c", "distribution clang 19 (clang 19.1.7)"),
                         Sdk("wasi", "/d", "wasi-sdk 26.1 (clang version 20)")};
  EXPECT_EQ(Chosen(), "/c");
  target_.preferred_sdk = "24.0";
  EXPECT_EQ(Chosen(), "/b");
  target_.sdk = "16";
  target_.minimum_sdk = "16";
  EXPECT_EQ(Chosen(), "/a");
  machine_.toolchains = {Sdk("wasi", "/e", "clang version 18.1.2")};
  EXPECT_EQ(Chosen(), "/e");
  machine_.toolchains.clear();
  EXPECT_EQ(Chosen(), "this agent has no wasi toolchain");
}

// Rule: CPython's targets say why an SDK is too old for them.
TEST_F(SdkChoiceTest, CPythonsMinimumsHaveReasons) {
  for (const char* name : {"cpython-3.11.yaml", "cpython-3.12.yaml", "cpython-3.13.yaml"}) {
    const auto file = ParseTargetFile(EmbeddedTexts().at(name), name);
    ASSERT_TRUE(file.ok()) << file.status();
    for (const TargetTemplate& target : file->targets) {
      EXPECT_EQ(target.minimum_sdk.empty(), target.minimum_sdk_reason.empty()) << name << " " << target.name;
      if (target.name == "wasm64-emscripten-node-debug") target_ = target;
    }
  }
  machine_.toolchains = {Sdk("emscripten", "/old", "emscripten 3.1.19")};
  EXPECT_THAT(Chosen(), HasSubstr("target 'wasm64-emscripten-node-debug' needs an Emscripten SDK of version 3.1.21 or "
                                  "newer: CPython's Tools/wasm/wasm_build.py requires it for 64-bit memory; /old is"));
  machine_.toolchains = {Sdk("emscripten", "/next", "emscripten 3.1.21")};
  EXPECT_EQ(Chosen(), "/next");
}

}  // namespace
}  // namespace wasmagent::pipeline
