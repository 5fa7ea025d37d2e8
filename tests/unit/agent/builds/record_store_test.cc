#include "agent/builds/record_store.h"

#include <gtest/gtest.h>

#include "platform/directory.h"

namespace wasmagent::builds {
namespace {

using wasmagent::v1::Build;

class RecordStoreTest : public ::testing::Test {
 protected:
  RecordStoreTest() : dir_(*platform::MakeTemporaryDirectory(::testing::TempDir(), "records-")) { Reopen(); }
  ~RecordStoreTest() override {
    store_.reset();
    (void)platform::RemoveTree(dir_);
  }
  void Reopen() {
    store_.reset();
    auto store = RecordStore::Open(dir_ + "/builds.sqlite");
    ASSERT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
  }
  static Build Record(const std::string& id, wasmagent::v1::BuildState state, const std::string& checkout = "c") {
    Build build;
    build.mutable_request()->set_build_id(id);
    build.mutable_request()->mutable_checkout()->set_id(checkout);
    build.set_state(state);
    return build;
  }
  static std::vector<std::string> Ids(const absl::StatusOr<std::vector<Build>>& builds) {
    std::vector<std::string> ids;
    for (const Build& build : *builds) ids.push_back(build.request().build_id());
    return ids;
  }

  std::string dir_;
  std::unique_ptr<RecordStore> store_;
};

// Accepted is kept: what was put is there after a restart, and the queue has its order.
TEST_F(RecordStoreTest, TheQueueSurvives) {
  for (const char* id : {"bbbb", "aaaa", "cccc"})
    ASSERT_TRUE(store_->Put(Record(id, wasmagent::v1::BUILD_STATE_QUEUED)).ok());
  ASSERT_TRUE(store_->Put(Record("aaaa", wasmagent::v1::BUILD_STATE_ENDED)).ok());
  Reopen();
  EXPECT_EQ(Ids(store_->Active()), (std::vector<std::string>{"bbbb", "cccc"}));
  EXPECT_EQ(store_->Get("aaaa")->state(), wasmagent::v1::BUILD_STATE_ENDED);
}

// People type the first digits of an id: one build is found, several or none are told apart.
TEST_F(RecordStoreTest, PrefixesAreResolved) {
  for (const char* id : {"abcd1", "abcd2", "abcd"})
    ASSERT_TRUE(store_->Put(Record(id, wasmagent::v1::BUILD_STATE_ENDED)).ok());
  EXPECT_EQ(*store_->Resolve("abcd1"), "abcd1");
  EXPECT_EQ(store_->Resolve("abc").status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(store_->Resolve("xyz").status().code(), absl::StatusCode::kNotFound);
  // A wildcard of SQL is a character like any other.
  EXPECT_EQ(store_->Resolve("ab%").status().code(), absl::StatusCode::kNotFound);
}

// An exact id is never ambiguous, however many longer ones begin with it and in whatever order they came.
TEST_F(RecordStoreTest, AnExactIdWins) {
  for (const char* id : {"release-arm64-debug", "release-arm64-test", "release-arm64", "release-arm64-x"})
    ASSERT_TRUE(store_->Put(Record(id, wasmagent::v1::BUILD_STATE_ENDED)).ok());
  auto found = store_->Resolve("release-arm64");
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(*found, "release-arm64");
}

// Newest first, by checkout, up to a limit.
TEST_F(RecordStoreTest, Lists) {
  ASSERT_TRUE(store_->Put(Record("1111", wasmagent::v1::BUILD_STATE_ENDED, "x")).ok());
  ASSERT_TRUE(store_->Put(Record("2222", wasmagent::v1::BUILD_STATE_QUEUED, "y")).ok());
  ASSERT_TRUE(store_->Put(Record("3333", wasmagent::v1::BUILD_STATE_ENDED, "x")).ok());
  EXPECT_EQ(Ids(store_->List("", false, 10)), (std::vector<std::string>{"3333", "2222", "1111"}));
  EXPECT_EQ(Ids(store_->List("x", false, 10)), (std::vector<std::string>{"3333", "1111"}));
  EXPECT_EQ(Ids(store_->List("", true, 10)), (std::vector<std::string>{"2222"}));
  EXPECT_EQ(Ids(store_->List("", false, 1)), (std::vector<std::string>{"3333"}));
}

// Bounded: only the newest ended builds are remembered; one that has not ended never goes.
TEST_F(RecordStoreTest, PrunesTheOldest) {
  ASSERT_TRUE(store_->Put(Record("0000", wasmagent::v1::BUILD_STATE_QUEUED)).ok());
  for (const char* id : {"1111", "2222", "3333"})
    ASSERT_TRUE(store_->Put(Record(id, wasmagent::v1::BUILD_STATE_ENDED)).ok());
  EXPECT_EQ(*store_->Prune(2), std::vector<std::string>{"1111"});
  EXPECT_EQ(Ids(store_->List("", false, 10)), (std::vector<std::string>{"3333", "2222", "0000"}));
}

}  // namespace
}  // namespace wasmagent::builds
