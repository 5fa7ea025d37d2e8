#include "client/session/build_session.h"

#include "fake_agent.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "gtest/gtest.h"
#include "scripts.h"

namespace wasmagent::client {
namespace {

using content::Digest;

grpc::Status Missing(const std::vector<Digest>& digests) {
  google::rpc::PreconditionFailure failure;
  for (const Digest& digest : digests) {
    auto& violation = *failure.add_violations();
    violation.set_type("MISSING");
    violation.set_subject("blobs/" + digest.ToString());
  }
  google::rpc::Status details;
  details.add_details()->PackFrom(failure);
  return {grpc::StatusCode::FAILED_PRECONDITION, "missing", details.SerializeAsString()};
}

// A checkout of two files in folders "a" and "a/b", and an agent that starts a build when it has all of it.
class BuildSessionTest : public ::testing::Test {
 protected:
  BuildSessionTest() : agent_(folder_.path() + "/a.sock"), connection_(agent_.address()) {
    EXPECT_TRUE(platform::MakeDirectories(folder_.path() + "/src/a/b").ok());
    std::vector<content::TreeEntry> entries;
    for (const auto& [path, text] : {std::pair<std::string, std::string>{"a/one", "first"}, {"a/b/two", "second"}}) {
      EXPECT_TRUE(platform::WriteFileAtomically(source() + "/" + path, text, 0644, false).ok());
      files_.push_back({path, Digest::Of(text)});
      content::TreeEntry entry;
      entry.path = path;
      entry.digest = Digest::Of(text);
      entries.push_back(entry);
    }
    blobs_ = *content::BuildTree(entries);
    tree_.blobs = &blobs_;
    tree_.folder = source();
    tree_.for_each_file = [this](const SourceTree::FileVisitor& visit) {
      for (const auto& [path, digest] : files_) visit(path, digest);
    };
    agent_.start = [this](const auto&) { return Answer(); };
    request_.set_build_id("the-id");
    *request_.mutable_root() = blobs_.root.ToProto();
  }
  std::string source() const { return folder_.path() + "/src"; }
  // As an agent does: a folder that is absent hides what is below.
  grpc::Status Answer() {
    absl::MutexLock lock(&agent_.mutex);
    if (!agent_.blobs.contains(blobs_.root.Hex())) return Missing({blobs_.root});
    std::vector<Digest> missing;
    for (const auto& [digest, bytes] : blobs_.directories) {
      if (!agent_.blobs.contains(digest.Hex())) missing.push_back(digest);
    }
    for (const auto& [path, digest] : files_) {
      if (!agent_.blobs.contains(digest.Hex())) missing.push_back(digest);
    }
    return missing.empty() ? grpc::Status::OK : Missing(missing);
  }
  absl::StatusOr<wasmagent::v1::Build> Start() { return Submit(connection_, request_, tree_); }
  void AgentTakesEverything() {
    agent_.bind_roots = {folder_.path()};
    agent_.import = [this](const auto& request, auto*) {
      absl::MutexLock lock(&agent_.mutex);
      for (const auto& file : request.files()) agent_.blobs.insert(file.digest().hash());
      return grpc::Status::OK;
    };
  }

  ScriptFolder folder_;
  FakeAgent agent_;
  AgentConnection connection_;
  std::vector<std::pair<std::string, Digest>> files_;
  content::TreeBlobs blobs_;
  SourceTree tree_;
  wasmagent::v1::BuildRequest request_;
};

// An empty agent gets everything after its first answer, files before folders and the root last, always under the same
// id.
TEST_F(BuildSessionTest, SendsAllToAnEmptyAgentInOneRound) {
  auto build = Start();
  ASSERT_TRUE(build.ok()) << build.status();
  EXPECT_EQ(agent_.build_ids, (std::vector<std::string>{"the-id", "the-id"}));
  ASSERT_EQ(agent_.sent.size(), 5u);
  EXPECT_EQ(agent_.sent.back(), blobs_.root.Hex());
  std::set<std::string> first(agent_.sent.begin(), agent_.sent.begin() + 2);
  EXPECT_EQ(first, (std::set<std::string>{files_[0].second.Hex(), files_[1].second.Hex()}));
}

// A warm agent gets what it lacks and nothing else; nothing is asked when nothing is missing.
TEST_F(BuildSessionTest, SendsOnlyWhatIsMissing) {
  for (const auto& [digest, bytes] : blobs_.directories) agent_.blobs.insert(digest.Hex());
  agent_.blobs.insert(files_[0].second.Hex());
  ASSERT_TRUE(Start().ok());
  EXPECT_EQ(agent_.sent, (std::vector<std::string>{files_[1].second.Hex()}));
  agent_.sent.clear();
  ASSERT_TRUE(Start().ok());
  EXPECT_TRUE(agent_.sent.empty());
  EXPECT_EQ(agent_.find_missing_calls, 1);
}

// An agent that has the checkout mounted reads the files itself: only folders go over the wire.
TEST_F(BuildSessionTest, AMountedCheckoutMovesNoFile) {
  AgentTakesEverything();
  ASSERT_TRUE(Start().ok());
  EXPECT_EQ(agent_.sent.size(), 3u);
  for (const auto& [path, digest] : files_) {
    EXPECT_EQ(std::count(agent_.sent.begin(), agent_.sent.end(), digest.Hex()), 0) << path;
  }
}

// What the agent could not read itself is sent, one file or the whole call.
TEST_F(BuildSessionTest, WhatCannotBeImportedIsSent) {
  AgentTakesEverything();
  agent_.import = [this](const auto& request, auto* response) {
    absl::MutexLock lock(&agent_.mutex);
    for (int i = 1; i < request.files_size(); ++i) agent_.blobs.insert(request.files(i).digest().hash());
    response->add_failures()->set_index(0);
    return grpc::Status::OK;
  };
  ASSERT_TRUE(Start().ok());
  EXPECT_EQ(agent_.sent.size(), 4u);
  agent_.blobs.clear();
  agent_.sent.clear();
  agent_.import = nullptr;  // PERMISSION_DENIED
  ASSERT_TRUE(Start().ok());
  EXPECT_EQ(agent_.sent.size(), 5u);
}

// Right bytes: a file that changed after the scan is named, and no build starts.
TEST_F(BuildSessionTest, AChangedFileIsNoticed) {
  ASSERT_TRUE(platform::WriteFileAtomically(source() + "/a/one", "FIRST", 0644, false).ok());
  auto build = Start();
  EXPECT_TRUE(absl::IsAborted(build.status())) << build.status();
  EXPECT_NE(std::string(build.status().message()).find("a/one"), std::string::npos) << build.status();
  EXPECT_EQ(agent_.build_ids.size(), 1u);
}

// An agent that asks for the same for ever gets an error, not an endless loop; so does one that asks for what is not of
// the tree.
TEST_F(BuildSessionTest, AsksInCirclesEnd) {
  agent_.start = [this](const auto&) { return Missing({files_[0].second}); };
  EXPECT_TRUE(absl::IsFailedPrecondition(Start().status()));
  EXPECT_LT(agent_.build_ids.size(), 10u);
  agent_.start = [](const auto&) { return Missing({Digest::Of("something else")}); };
  EXPECT_TRUE(absl::IsDataLoss(Start().status()));
}

// Nobody there: an error at once that names the address.
TEST_F(BuildSessionTest, NobodyThereFailsAtOnce) {
  AgentConnection nobody({"unix:" + folder_.path() + "/none.sock", "", ""});
  auto build = Submit(nobody, request_, tree_);
  EXPECT_TRUE(absl::IsUnavailable(build.status()));
  EXPECT_NE(std::string(build.status().message()).find("none.sock"), std::string::npos) << build.status();
}

}  // namespace
}  // namespace wasmagent::client
