// A build that runs, with a journal and a record in a folder of its own.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "agent/builds/build_watch.h"
#include "agent/builds/live_build.h"
#include "gtest/gtest.h"
#include "platform/directory.h"

namespace wasmagent::builds {

class LiveBuildFixture : public ::testing::Test {
 protected:
  LiveBuildFixture()
      : directory_(platform::MakeTemporaryDirectory(::testing::TempDir(), "live-").value()),
        records_(RecordStore::Open(directory_ + "/records").value()),
        build_(MakeBuild(directory_ + "/journal")) {}
  ~LiveBuildFixture() override {
    build_.reset();
    records_.reset();
    EXPECT_TRUE(platform::RemoveTree(directory_).ok());
  }
  std::shared_ptr<LiveBuild> MakeBuild(const std::string& journal) {
    wasmagent::v1::Build record;
    record.mutable_request()->set_build_id("build-id");
    record.set_state(wasmagent::v1::BUILD_STATE_RUNNING);
    return std::make_shared<LiveBuild>(record, Journal::Open(journal, clock_).value(), *records_);
  }
  static wasmagent::v1::BuildEvent Notice(const std::string& text) {
    wasmagent::v1::BuildEvent event;
    event.mutable_notice()->set_text(text);
    return event;
  }
  // All events that are in the journal now.
  std::vector<wasmagent::v1::BuildEvent> Events() {
    auto watch = BuildWatch::OfLive(build_, 0, [] {}).value();
    std::vector<wasmagent::v1::BuildEvent> events;
    while (true) {
      auto batch = watch->Next().value();
      events.insert(events.end(), batch.events.begin(), batch.events.end());
      if (batch.ended || batch.events.empty()) return events;
    }
  }

  platform::ManualClock clock_{absl::FromUnixSeconds(1000)};
  const std::string directory_;
  std::unique_ptr<RecordStore> records_;
  std::shared_ptr<LiveBuild> build_;
};

}  // namespace wasmagent::builds
