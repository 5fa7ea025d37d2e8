#include "client/artifacts/evidence_writer.h"

#include <unistd.h>

#include <filesystem>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "platform/directory.h"
#include "platform/file.h"
#include "tests/unit/client/artifacts/fake_cas.h"

namespace wasmagent::client {
namespace {

using ::testing::UnorderedElementsAre;

class EvidenceWriter : public testing::Test {
 protected:
  EvidenceWriter() : base_(platform::MakeTemporaryDirectory(testing::TempDir(), "evidence-").value()) {}
  ~EvidenceWriter() override { std::filesystem::remove_all(base_); }
  std::string folder() const { return base_ + "/builddir/wasi.failed"; }
  std::string Read(const std::string& path) { return platform::ReadFile(folder() + "/" + path).value_or("(none)"); }
  std::vector<std::string> Names() {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder())) names.push_back(entry.path().filename());
    return names;
  }

  FakeCas cas_;
  content::BlobTransfer transfer_{{cas_.Channel()}};
  const std::string base_;
};

// Files arrive as they are, old ones are replaced, others stay, and nothing of the way there is left.
TEST_F(EvidenceWriter, WritesTheFiles) {
  ASSERT_TRUE(FetchFiles(transfer_, {{"config.log", cas_.Add("one")}}, folder()).ok());
  ASSERT_TRUE(platform::WriteFileAtomically(folder() + "/mine", "mine").ok());
  ASSERT_TRUE(
      FetchFiles(transfer_, {{"config.log", cas_.Add("two")}, {"sub/report.xml", cas_.Add("xml")}}, folder()).ok());
  EXPECT_EQ(Read("config.log"), "two");
  EXPECT_EQ(Read("sub/report.xml"), "xml");
  EXPECT_THAT(Names(), UnorderedElementsAre("config.log", "mine", "sub"));
}

// Complete or not at all: one that cannot be had leaves what was there.
TEST_F(EvidenceWriter, WhatCannotBeFetchedChangesNothing) {
  ASSERT_TRUE(FetchFiles(transfer_, {{"config.log", cas_.Add("one")}}, folder()).ok());
  auto gone = cas_.Add("gone");
  cas_.Forget(gone);
  EXPECT_FALSE(FetchFiles(transfer_, {{"config.log", cas_.Add("two")}, {"other", gone}}, folder()).ok());
  EXPECT_EQ(Read("config.log"), "one");
  EXPECT_THAT(Names(), UnorderedElementsAre("config.log"));
}

// An agent cannot have anything written elsewhere.
TEST_F(EvidenceWriter, StaysInItsFolder) {
  auto blob = cas_.Add("x");
  for (const char* path : {"", "../x", "a/../../x", "/tmp/x", "a/", ".git/config", "a/.git/config"}) {
    EXPECT_EQ(FetchFiles(transfer_, {{path, blob}}, folder()).code(), absl::StatusCode::kDataLoss) << path;
  }
  ASSERT_TRUE(platform::MakeDirectories(folder()).ok());
  ASSERT_EQ(::symlink("/tmp", (folder() + "/link").c_str()), 0);
  EXPECT_FALSE(FetchFiles(transfer_, {{"link/x", blob}}, folder()).ok());
}

}  // namespace
}  // namespace wasmagent::client
