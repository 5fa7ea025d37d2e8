#include "agent/builds/log_recorder.h"

#include <gtest/gtest.h>

#include "agent/builds/build_watch.h"
#include "platform/directory.h"

namespace wasmagent::builds {
namespace {

class LogRecorderTest : public ::testing::Test {
 protected:
  LogRecorderTest() : dir_(*platform::MakeTemporaryDirectory(::testing::TempDir(), "log-")) {
    records_ = *RecordStore::Open(dir_ + "/r");
    wasmagent::v1::Build record;
    record.mutable_request()->set_build_id("build-id");
    build_ = std::make_shared<LiveBuild>(record, *Journal::Open(dir_ + "/j", clock_), *records_);
  }
  ~LogRecorderTest() override {
    build_.reset();
    records_.reset();
    (void)platform::RemoveTree(dir_);
  }
  std::vector<wasmagent::v1::LogChunk> Chunks() {
    auto watch = *BuildWatch::OfLive(build_, 0, [] {});
    std::vector<wasmagent::v1::LogChunk> chunks;
    while (true) {
      auto batch = *watch->Next();
      if (batch.events.empty()) return chunks;
      for (const auto& event : batch.events) chunks.push_back(event.log());
    }
  }

  platform::SystemClock clock_;
  std::string dir_;
  std::unique_ptr<RecordStore> records_;
  std::shared_ptr<LiveBuild> build_;
};

// Every byte, in order, each at its offset.
TEST_F(LogRecorderTest, OffsetsAreExact) {
  LogRecorder log(*build_, 1 << 20, 10);
  std::string all;
  for (int i = 0; i < 1000; ++i) {
    std::string line = "line " + std::to_string(i) + "\n";
    ASSERT_TRUE(log.Write(0, line).ok());
    all += line;
  }
  ASSERT_TRUE(log.EndStep(0).ok());
  std::string got;
  for (const auto& chunk : Chunks()) {
    EXPECT_EQ(chunk.offset(), got.size());
    EXPECT_EQ(chunk.omitted_before(), 0u);
    got += chunk.data();
  }
  EXPECT_EQ(got, all);
}

// A cap is a policy, visible, with head and tail kept.
TEST_F(LogRecorderTest, ALongLogKeepsHeadAndTail) {
  LogRecorder log(*build_, 100, 50);
  std::string all;
  for (int i = 0; i < 1000; ++i) {
    std::string line = std::to_string(100000 + i) + "\n";
    ASSERT_TRUE(log.Write(0, line).ok());
    all += line;
  }
  ASSERT_TRUE(log.EndStep(0).ok());
  std::string head;
  auto chunks = Chunks();
  wasmagent::v1::LogChunk tail = chunks.back();
  chunks.pop_back();
  for (const auto& chunk : chunks) head += chunk.data();
  EXPECT_EQ(head, all.substr(0, 100));
  EXPECT_EQ(tail.data(), all.substr(all.size() - 50));
  EXPECT_EQ(tail.omitted_before(), all.size() - 150);
  EXPECT_EQ(tail.offset(), all.size() - 50);
}

// Steps that run side by side share the limit; each keeps its own end.
TEST_F(LogRecorderTest, EachStepKeepsItsOwnTail) {
  LogRecorder log(*build_, 4, 3);
  for (uint32_t step : {0u, 1u, 0u, 1u}) {
    ASSERT_TRUE(log.Write(step, step == 0 ? "aaaa" : "bbbb").ok());
  }
  ASSERT_TRUE(log.EndStep(1).ok());
  ASSERT_TRUE(log.EndStep(0).ok());
  auto chunks = Chunks();
  ASSERT_EQ(chunks.size(), 3u);
  EXPECT_EQ(chunks[0].data(), "aaaa");
  EXPECT_EQ(chunks[1].data(), "bbb");
  EXPECT_EQ(chunks[1].step(), 1u);
  EXPECT_EQ(chunks[1].omitted_before(), 5u);
  EXPECT_EQ(chunks[1].offset(), 9u);
  EXPECT_EQ(chunks[2].data(), "aaa");
  EXPECT_EQ(chunks[2].step(), 0u);
  EXPECT_EQ(chunks[2].omitted_before(), 1u);
  EXPECT_EQ(chunks[2].offset(), 13u);
}

// A step that prints more than a message holds is cut into chunks, not lost.
TEST_F(LogRecorderTest, LargeWritesAreSplit) {
  LogRecorder log(*build_, 1 << 20, 10);
  ASSERT_TRUE(log.Write(3, std::string(200000, 'y')).ok());
  uint64_t sum = 0;
  for (const auto& chunk : Chunks()) {
    EXPECT_LE(chunk.data().size(), 65536u);
    EXPECT_EQ(chunk.step(), 3u);
    sum += chunk.data().size();
  }
  EXPECT_EQ(sum, 200000u);
}

}  // namespace
}  // namespace wasmagent::builds
