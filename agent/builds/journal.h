// The append-only record of one build's events. Log bytes are events, so one file holds all that a watcher can ever
// see.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "platform/clock.h"
#include "platform/scoped_fd.h"
#include "wasmagent/v1/build_event.pb.h"

namespace wasmagent::builds {

// Writes a journal. A record is: length of the event's bytes (4, little endian), the first 4 bytes of their SHA-256,
// the bytes of the BuildEvent. Opening cuts the file at the first record that is not whole, which only a crash of the
// machine can leave, since a record is one write. Thread-safe.
class Journal {
 public:
  // Opens or makes the journal and goes on after its last whole record.
  static absl::StatusOr<std::unique_ptr<Journal>> Open(const std::string& path, const platform::Clock& clock);

  // Gives the event its sequence number and time, makes its texts valid and appends it. `durable` waits for the disk;
  // log and progress do not.
  absl::Status Append(wasmagent::v1::BuildEvent event, bool durable);

  // Bytes of whole records: what a reader may read.
  uint64_t size() const { return size_.load(std::memory_order_acquire); }
  uint64_t last_sequence() const { return sequence_.load(std::memory_order_acquire); }
  // Position in the build's log after the last chunk.
  uint64_t log_offset() const { return log_offset_.load(std::memory_order_acquire); }
  const std::string& path() const { return path_; }
  // The end that was found when the journal was opened: the build had ended, whatever its record says.
  const std::optional<wasmagent::v1::Ended>& recovered_end() const { return recovered_end_; }

 private:
  Journal(std::string path, platform::ScopedFd fd, const platform::Clock& clock)
      : path_(std::move(path)), fd_(std::move(fd)), clock_(clock) {}
  absl::Status Recover();

  const std::string path_;
  const platform::ScopedFd fd_;
  const platform::Clock& clock_;
  absl::Mutex mutex_;  // one append at a time
  std::atomic<uint64_t> size_ = 0;
  std::atomic<uint64_t> sequence_ = 0;
  std::atomic<uint64_t> log_offset_ = 0;
  std::optional<wasmagent::v1::Ended> recovered_end_;
};

// Reads a journal from the start while it may be growing. Costs a descriptor and no memory between reads.
// Thread-compatible.
class JournalReader {
 public:
  static absl::StatusOr<JournalReader> Open(const std::string& path);

  // The next events after `after_sequence` that lie in the first `size` bytes, until about `max_bytes` are gathered;
  // empty when there are none yet. DATA_LOSS for a damaged record, once all that lies before it was given.
  absl::StatusOr<std::vector<wasmagent::v1::BuildEvent>> Next(uint64_t after_sequence, uint64_t size, size_t max_bytes);

  // From now on log events are passed over, unread: cheap, but damage in them goes unnoticed.
  void SkipLog() { skip_log_ = true; }

  uint64_t position() const { return position_; }
  // True when the build's last event was among the records read, skipped ones included.
  bool saw_end() const { return saw_end_; }
  // Bytes of the file now, for journals that no longer grow.
  absl::StatusOr<uint64_t> FileSize() const;

 private:
  explicit JournalReader(platform::ScopedFd fd) : fd_(std::move(fd)) {}
  platform::ScopedFd fd_;
  uint64_t position_ = 0;
  bool saw_end_ = false;
  bool skip_log_ = false;
};

}  // namespace wasmagent::builds
