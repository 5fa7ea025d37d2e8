#include "agent/builds/journal.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

#include "agent/builds/valid_text.h"
#include "content/digest.h"
#include "fmt/format.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/wire_format_lite.h"
#include "platform/file.h"
#include "platform/status.h"

namespace wasmagent::builds {
namespace {

using wasmagent::v1::BuildEvent;

constexpr size_t kHead = 8;
// A log chunk has at most 64 KiB, and a plan's argv is shorter: a longer record is a damaged one.
constexpr uint32_t kLargestRecord = 16 << 20;

void Checksum(std::string_view bytes, char out[4]) { std::memcpy(out, content::Digest::Of(bytes).hash.data(), 4); }

uint32_t LengthIn(const char* head) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(head);
  return static_cast<uint32_t>(bytes[0]) | static_cast<uint32_t>(bytes[1]) << 8 |
         static_cast<uint32_t>(bytes[2]) << 16 | static_cast<uint32_t>(bytes[3]) << 24;
}

// True for an event that holds log bytes, told by its first fields alone.
bool IsLog(std::string_view bytes) {
  using google::protobuf::internal::WireFormatLite;
  google::protobuf::io::CodedInputStream input(reinterpret_cast<const uint8_t*>(bytes.data()),
                                               static_cast<int>(bytes.size()));
  while (uint32_t tag = input.ReadTag()) {
    const int field = WireFormatLite::GetTagFieldNumber(tag);
    if (field != BuildEvent::kSequenceFieldNumber && field != BuildEvent::kTimeFieldNumber)
      return field == BuildEvent::kLogFieldNumber;
    if (!WireFormatLite::SkipField(&input, tag)) return false;
  }
  return false;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Journal>> Journal::Open(const std::string& path, const platform::Clock& clock) {
  ASSIGN_OR_RETURN(auto fd, platform::OpenAt(AT_FDCWD, path, O_RDWR | O_CREAT | O_APPEND, 0600));
  std::unique_ptr<Journal> journal(new Journal(path, std::move(fd), clock));
  RETURN_IF_ERROR_CTX(journal->Recover(), fmt::format("journal {}", path));
  return journal;
}

absl::Status Journal::Recover() {
  ASSIGN_OR_RETURN(JournalReader reader, JournalReader::Open(path_));
  ASSIGN_OR_RETURN(uint64_t file_size, reader.FileSize());
  while (reader.position() < file_size) {
    auto events = reader.Next(0, file_size, 1 << 20);
    if (absl::IsDataLoss(events.status())) break;  // the tail of a crash
    RETURN_IF_ERROR(events.status());
    if (events->empty()) break;  // cut within a record
    for (const BuildEvent& event : *events) {
      sequence_ = event.sequence();
      if (event.has_log()) log_offset_ = event.log().offset() + event.log().data().size();
      if (event.has_ended()) recovered_end_ = event.ended();
    }
  }
  size_ = reader.position();
  if (reader.position() == file_size) return absl::OkStatus();
  if (::ftruncate(fd_.get(), static_cast<off_t>(reader.position())) != 0)
    return platform::ErrnoStatus(errno, "ftruncate");
  return absl::OkStatus();
}

absl::Status Journal::Append(BuildEvent event, bool durable) {
  MakeTextValid(event);
  absl::MutexLock lock(&mutex_);
  event.set_sequence(sequence_ + 1);
  absl::Time now = clock_.Now();
  int64_t seconds = absl::ToUnixSeconds(now);
  event.mutable_time()->set_seconds(seconds);
  event.mutable_time()->set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(now - absl::FromUnixSeconds(seconds))));
  std::string record(kHead, '\0');
  event.AppendToString(&record);
  if (record.size() - kHead > kLargestRecord) {
    return absl::InternalError(fmt::format("journal {}: an event of {} bytes", path_, record.size() - kHead));
  }
  auto length = static_cast<uint32_t>(record.size() - kHead);
  for (int i = 0; i < 4; ++i) record[static_cast<size_t>(i)] = static_cast<char>(length >> (8 * i));
  Checksum(std::string_view(record).substr(kHead), record.data() + 4);
  absl::Status written = platform::WriteAll(fd_.get(), record);
  if (!written.ok()) {
    // Whatever part got there goes, so that the next record starts at a boundary.
    (void)::ftruncate(fd_.get(), static_cast<off_t>(size_.load()));
    return platform::Annotate(written, fmt::format("journal {}", path_));
  }
  if (event.has_log()) log_offset_ = event.log().offset() + event.log().data().size();
  sequence_ = event.sequence();
  size_.fetch_add(record.size(), std::memory_order_release);
  if (durable && ::fdatasync(fd_.get()) != 0) return platform::ErrnoStatus(errno, path_);
  return absl::OkStatus();
}

absl::StatusOr<JournalReader> JournalReader::Open(const std::string& path) {
  ASSIGN_OR_RETURN(auto fd, platform::OpenAt(AT_FDCWD, path, O_RDONLY));
  return JournalReader(std::move(fd));
}

absl::StatusOr<uint64_t> JournalReader::FileSize() const {
  struct stat info;
  if (::fstat(fd_.get(), &info) != 0) return platform::ErrnoStatus(errno, "fstat");
  return static_cast<uint64_t>(info.st_size);
}

absl::StatusOr<std::vector<BuildEvent>> JournalReader::Next(uint64_t after_sequence, uint64_t size, size_t max_bytes) {
  std::vector<BuildEvent> events;
  size_t gathered = 0;
  std::string buffer;
  size_t read_size = std::max<size_t>(max_bytes, kHead);
  while (position_ + kHead <= size && gathered < max_bytes) {
    // One read for many records.
    buffer.resize(std::min<uint64_t>(size - position_, read_size));
    ASSIGN_OR_RETURN(size_t got, platform::ReadAt(fd_.get(), buffer.data(), buffer.size(), position_));
    size_t used = 0;
    while (used + kHead <= got && gathered < max_bytes) {
      // What lies before damage is whole and must not be lost with it: the next call finds the damage again.
      auto damage = [&](const char* what) -> absl::StatusOr<std::vector<BuildEvent>> {
        if (events.empty()) return absl::DataLossError(what);
        return std::move(events);
      };
      uint32_t length = LengthIn(buffer.data() + used);
      if (length > kLargestRecord) return damage("a record is longer than any event");
      if (used + kHead + length > got) break;
      std::string_view bytes(buffer.data() + used + kHead, length);
      if (skip_log_ && IsLog(bytes)) {
        used += kHead + length;
        position_ += kHead + length;
        continue;
      }
      char checksum[4];
      Checksum(bytes, checksum);
      BuildEvent event;
      if (std::memcmp(checksum, buffer.data() + used + 4, 4) != 0 ||
          !event.ParseFromArray(bytes.data(), static_cast<int>(length))) {
        return damage("a record does not have its checksum");
      }
      used += kHead + length;
      position_ += kHead + length;
      saw_end_ = saw_end_ || event.has_ended();
      if (event.sequence() <= after_sequence) continue;
      gathered += length;
      events.push_back(std::move(event));
    }
    if (used > 0) continue;
    // A record larger than the buffer: read it alone; or the file is cut short.
    if (got < kHead) break;
    size_t whole = kHead + LengthIn(buffer.data());
    if (position_ + whole > size) break;
    read_size = whole;
  }
  return events;
}

}  // namespace wasmagent::builds
