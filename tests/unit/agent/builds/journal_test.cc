#include "agent/builds/journal.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "platform/directory.h"
#include "platform/file.h"

namespace wasmagent::builds {
namespace {

using wasmagent::v1::BuildEvent;

class JournalTest : public ::testing::Test {
 protected:
  JournalTest() : dir_(*platform::MakeTemporaryDirectory(::testing::TempDir(), "journal-")), path_(dir_ + "/j") {}
  ~JournalTest() override { (void)platform::RemoveTree(dir_); }

  std::unique_ptr<Journal> Open() {
    auto journal = Journal::Open(path_, clock_);
    EXPECT_TRUE(journal.ok()) << journal.status();
    return *std::move(journal);
  }
  static BuildEvent Log(const std::string& text, uint64_t offset) {
    BuildEvent event;
    event.mutable_log()->set_data(text);
    event.mutable_log()->set_offset(offset);
    return event;
  }
  std::vector<BuildEvent> ReadAll(uint64_t after = 0, size_t max_bytes = 100) {
    auto reader = JournalReader::Open(path_);
    std::vector<BuildEvent> all;
    uint64_t size = *reader->FileSize();
    while (true) {
      auto some = reader->Next(after, size, max_bytes);
      EXPECT_TRUE(some.ok()) << some.status();
      if (!some.ok() || some->empty()) return all;
      for (auto& event : *some) all.push_back(event);
    }
  }

  platform::ManualClock clock_{absl::FromUnixSeconds(1000)};
  std::string dir_;
  std::string path_;
};

// Every byte of the log, in order: sequence numbers have no gaps, bytes come back as they were written, whatever the
// size of a read.
TEST_F(JournalTest, GivesBackWhatWasWritten) {
  auto journal = Open();
  std::string large(300000, 'x');
  ASSERT_TRUE(journal->Append(Log("a", 0), false).ok());
  ASSERT_TRUE(journal->Append(Log(large, 1), false).ok());
  ASSERT_TRUE(journal->Append(Log("b", 300001), true).ok());
  for (size_t max_bytes : {1, 100, 1 << 20}) {
    auto events = ReadAll(0, max_bytes);
    ASSERT_EQ(events.size(), 3u);
    EXPECT_EQ(events[1].log().data(), large);
    for (size_t i = 0; i < 3; ++i) EXPECT_EQ(events[i].sequence(), i + 1);
  }
  EXPECT_EQ(ReadAll(2).front().log().data(), "b");
  EXPECT_EQ(ReadAll().front().time().seconds(), 1000);
}

// Who wants no log gets everything else, in order, whatever lies between.
TEST_F(JournalTest, TheLogCanBeLeftOut) {
  auto journal = Open();
  BuildEvent notice;
  notice.mutable_notice()->set_text("hello");
  BuildEvent end;
  end.mutable_ended()->set_outcome(wasmagent::v1::OUTCOME_FAILED);
  ASSERT_TRUE(journal->Append(Log(std::string(300000, 'x'), 0), false).ok());
  ASSERT_TRUE(journal->Append(notice, false).ok());
  ASSERT_TRUE(journal->Append(Log("b", 300000), false).ok());
  ASSERT_TRUE(journal->Append(end, true).ok());
  for (size_t max_bytes : {1, 100, 1 << 20}) {
    auto reader = JournalReader::Open(path_);
    reader->SkipLog();
    std::vector<uint64_t> found;
    while (true) {
      auto some = reader->Next(0, *reader->FileSize(), max_bytes);
      ASSERT_TRUE(some.ok()) << some.status();
      if (some->empty()) break;
      for (const BuildEvent& event : *some) found.push_back(event.sequence());
    }
    EXPECT_EQ(found, (std::vector<uint64_t>{2, 4}));
    EXPECT_TRUE(reader->saw_end());
  }
}

// Accepted is kept: a journal that is opened again goes on where it ended, in sequence and in the log.
TEST_F(JournalTest, GoesOnAfterARestart) {
  ASSERT_TRUE(Open()->Append(Log("abc", 0), false).ok());
  auto journal = Open();
  EXPECT_EQ(journal->last_sequence(), 1u);
  EXPECT_EQ(journal->log_offset(), 3u);
  ASSERT_TRUE(journal->Append(Log("d", 3), false).ok());
  EXPECT_EQ(ReadAll().back().sequence(), 2u);
}

// Nothing torn: whatever a crash left of the last record is cut off, at every length, and appending goes on at a
// boundary.
TEST_F(JournalTest, ATornTailIsCut) {
  {
    auto journal = Open();
    ASSERT_TRUE(journal->Append(Log("first", 0), false).ok());
    ASSERT_TRUE(journal->Append(Log("second", 5), false).ok());
  }
  std::string whole = *platform::ReadFile(path_);
  size_t first = 0;
  {
    auto reader = JournalReader::Open(path_);
    ASSERT_EQ(reader->Next(0, whole.size(), 1)->size(), 1u);
    first = reader->position();
  }
  for (size_t cut = first; cut < whole.size(); ++cut) {
    ASSERT_TRUE(platform::WriteFileAtomically(path_, whole.substr(0, cut), 0600, false).ok());
    auto journal = Open();
    EXPECT_EQ(journal->last_sequence(), 1u) << "cut at " << cut;
    ASSERT_TRUE(journal->Append(Log("again", 5), false).ok());
    auto events = ReadAll();
    ASSERT_EQ(events.size(), 2u);
    EXPECT_EQ(events[1].log().data(), "again");
  }
}

// Log events are not flushed one by one: a power cut may leave zeros or old bytes where the last ones should be. What
// lies before them counts in full: sequence, log and the end.
TEST_F(JournalTest, ADamagedTailIsCut) {
  BuildEvent end;
  end.mutable_ended()->set_outcome(wasmagent::v1::OUTCOME_SUCCEEDED);
  {
    auto journal = Open();
    ASSERT_TRUE(journal->Append(Log("first", 0), false).ok());
    ASSERT_TRUE(journal->Append(Log("second", 5), false).ok());
    ASSERT_TRUE(journal->Append(end, true).ok());
  }
  std::string whole = *platform::ReadFile(path_);
  for (const std::string& tail :
       {std::string(100, '\0'), std::string(100, '\xff'), std::string("\x04\0\0\0\0\0\0\0oops", 12)}) {
    ASSERT_TRUE(platform::WriteFileAtomically(path_, whole + tail, 0600, false).ok());
    auto journal = Open();
    EXPECT_EQ(journal->last_sequence(), 3u);
    EXPECT_EQ(journal->log_offset(), 11u);
    EXPECT_EQ(journal->size(), whole.size());
    ASSERT_TRUE(journal->recovered_end().has_value());
    EXPECT_EQ(journal->recovered_end()->outcome(), wasmagent::v1::OUTCOME_SUCCEEDED);
    ASSERT_TRUE(journal->Append(Log("again", 11), false).ok());
    EXPECT_EQ(ReadAll().back().sequence(), 4u);
  }
}

// A reader is given what lies before damage, and told of the damage then.
TEST_F(JournalTest, DamageIsToldAfterWhatLiesBeforeIt) {
  {
    auto journal = Open();
    ASSERT_TRUE(journal->Append(Log("first", 0), false).ok());
  }
  std::string bytes = *platform::ReadFile(path_) + std::string(100, '\0');
  ASSERT_TRUE(platform::WriteFileAtomically(path_, bytes, 0600, false).ok());
  auto reader = JournalReader::Open(path_);
  auto events = reader->Next(0, bytes.size(), 100);
  ASSERT_TRUE(events.ok()) << events.status();
  EXPECT_EQ(events->size(), 1u);
  EXPECT_EQ(reader->Next(0, bytes.size(), 100).status().code(), absl::StatusCode::kDataLoss);
}

// A record whose bytes changed is never given to a watcher.
TEST_F(JournalTest, ADamagedRecordIsNotRead) {
  {
    auto journal = Open();
    ASSERT_TRUE(journal->Append(Log("first", 0), false).ok());
  }
  std::string bytes = *platform::ReadFile(path_);
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  ASSERT_TRUE(platform::WriteFileAtomically(path_, bytes, 0600, false).ok());
  auto reader = JournalReader::Open(path_);
  EXPECT_EQ(reader->Next(0, bytes.size(), 100).status().code(), absl::StatusCode::kDataLoss);
}

// An end that reached the journal is known after a crash, even if the record was not written any more.
TEST_F(JournalTest, TheEndIsRecovered) {
  BuildEvent end;
  end.mutable_ended()->set_outcome(wasmagent::v1::OUTCOME_FAILED);
  ASSERT_TRUE(Open()->Append(end, true).ok());
  auto journal = Open();
  ASSERT_TRUE(journal->recovered_end().has_value());
  EXPECT_EQ(journal->recovered_end()->outcome(), wasmagent::v1::OUTCOME_FAILED);
}

}  // namespace
}  // namespace wasmagent::builds
