#include "agent/pipeline/sdk_folders.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/agent/pipeline/folder_tree.h"

namespace wasmagent::pipeline {
namespace {

using ::testing::ElementsAre;

// Rule: the folder itself comes first, then those beside it by name; files and other names are none.
TEST(SdkFolders, SideBySide) {
  const ScratchFolder scratch;
  for (const char* folder : {"sdk-24", "sdk", "sdk-16", "sdkx", "other"})
    std::filesystem::create_directories(scratch / folder);
  scratch.Write("sdk-file", "");
  EXPECT_THAT(SdkFolders(scratch / "sdk"), ElementsAre(scratch / "sdk", scratch / "sdk-16", scratch / "sdk-24"));
  EXPECT_THAT(SdkFolders(scratch / "othe"), ElementsAre());
  EXPECT_THAT(SdkFolders(scratch / "none/sdk"), ElementsAre());
}

}  // namespace
}  // namespace wasmagent::pipeline
