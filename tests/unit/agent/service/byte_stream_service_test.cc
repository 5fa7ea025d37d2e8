#include "agent/service/byte_stream_service.h"

#include <gtest/gtest.h>

namespace wasmagent::service {
namespace {

// An upload that counts itself, as its staged file would.
class CountedWriter : public store::BlobWriter {
 public:
  explicit CountedWriter(int& alive) : alive_(alive) { ++alive_; }
  ~CountedWriter() override { --alive_; }
  absl::Status Write(std::string_view bytes) override {
    written_ += bytes.size();
    return absl::OkStatus();
  }
  uint64_t written() const override { return written_; }
  absl::Status Commit() override { return absl::OkStatus(); }

 private:
  int& alive_;
  uint64_t written_ = 0;
};

class CutUploadsTest : public ::testing::Test {
 protected:
  void Park(const std::string& name) { uploads_.Park(name, std::make_unique<CountedWriter>(alive_)); }

  platform::ManualClock clock_{absl::FromUnixSeconds(1000)};
  int alive_ = 0;
  CutUploads uploads_{clock_};
};

// A client that comes back in time goes on where it was cut.
TEST_F(CutUploadsTest, IsHandedOver) {
  Park("a");
  EXPECT_EQ(uploads_.Take("b"), nullptr);
  EXPECT_NE(uploads_.Take("a"), nullptr);
  EXPECT_EQ(uploads_.Take("a"), nullptr);
}

// Bounded in time: what nobody came back for goes, also when no other upload ever comes.
TEST_F(CutUploadsTest, GoesAfterAMinute) {
  Park("a");
  clock_.Advance(CutUploads::kIdleLimit);
  uploads_.DropOld();
  EXPECT_EQ(alive_, 1);
  clock_.Advance(absl::Seconds(1));
  uploads_.DropOld();
  EXPECT_EQ(alive_, 0);
}

// Bounded in number: the one that has waited longest goes first.
TEST_F(CutUploadsTest, TheOldestGoesWhenThereAreTooMany) {
  for (size_t i = 0; i <= CutUploads::kMost; ++i) {
    Park(std::to_string(i));
    clock_.Advance(absl::Milliseconds(1));
  }
  EXPECT_EQ(alive_, static_cast<int>(CutUploads::kMost));
  EXPECT_EQ(uploads_.Take("0"), nullptr);
  EXPECT_NE(uploads_.Take("1"), nullptr);
}

}  // namespace
}  // namespace wasmagent::service
