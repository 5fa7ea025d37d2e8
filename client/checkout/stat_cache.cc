#include "client/checkout/stat_cache.h"

#include <algorithm>
#include <cstring>

#include "platform/directory.h"
#include "platform/file.h"
#include "platform/status.h"

namespace wasmagent::client {
namespace {

// The file: header, one record for each file in path order, the paths one after the other, SHA-256 of all that. Native
// byte order: a cache is never moved to another machine, and there the magic would not match.
constexpr uint64_t kMagic = 0x31304353'6d736177;  // changes with the format

struct Header {
  uint64_t magic;
  uint64_t count;
  int64_t scan_start;
};

struct Record {
  FileStamp stamp;
  uint8_t hash[32];
  uint64_t path_offset;
  uint64_t path_size;
};
static_assert(sizeof(Record) == 88);

constexpr size_t kChecksumSize = 32;

Record RecordAt(const std::string& bytes, size_t index) {
  Record record;
  std::memcpy(&record, bytes.data() + sizeof(Header) + index * sizeof(Record), sizeof(record));
  return record;
}

void Append(std::string& bytes, const void* data, size_t size) { bytes.append(static_cast<const char*>(data), size); }

}  // namespace

FileStamp FileStamp::Of(const struct stat& info) {
  auto nanoseconds = [](const timespec& time) { return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec; };
  return {info.st_dev, info.st_ino, static_cast<uint64_t>(info.st_size), nanoseconds(info.st_mtim),
          nanoseconds(info.st_ctim)};
}

StatCache StatCache::Load(const std::string& path) {
  StatCache cache;
  auto bytes = platform::ReadFile(path);
  if (!bytes.ok() || bytes->size() < sizeof(Header) + kChecksumSize) return cache;
  Header header;
  std::memcpy(&header, bytes->data(), sizeof(header));
  size_t paths_size = bytes->size() - sizeof(Header) - kChecksumSize;
  if (header.magic != kMagic || header.count > paths_size / sizeof(Record)) return cache;
  std::string_view covered = std::string_view(*bytes).substr(0, bytes->size() - kChecksumSize);
  content::Digest checksum = content::Digest::Of(covered);
  if (std::memcmp(checksum.hash.data(), bytes->data() + covered.size(), kChecksumSize) != 0) return cache;
  cache.bytes_ = *std::move(bytes);
  cache.count_ = header.count;
  cache.scan_start_ = header.scan_start;
  return cache;
}

absl::Status StatCache::Save(const std::string& path, const std::vector<Entry>& entries, int64_t scan_start) {
  size_t paths_size = 0;
  for (const Entry& entry : entries) paths_size += entry.path.size();
  std::string bytes;
  bytes.reserve(sizeof(Header) + entries.size() * sizeof(Record) + paths_size + kChecksumSize);
  Header header{kMagic, entries.size(), scan_start};
  Append(bytes, &header, sizeof(header));
  uint64_t offset = 0;
  for (const Entry& entry : entries) {
    Record record{entry.stamp, {}, offset, entry.path.size()};
    std::copy(entry.digest.hash.begin(), entry.digest.hash.end(), record.hash);
    Append(bytes, &record, sizeof(record));
    offset += entry.path.size();
  }
  for (const Entry& entry : entries) bytes += entry.path;
  content::Digest checksum = content::Digest::Of(bytes);
  Append(bytes, checksum.hash.data(), kChecksumSize);
  // Not flushed to disk: after a crash of the machine the checksum tells, and the cache is made anew.
  return platform::WriteFileAtomically(path, bytes, 0600, /*durable=*/false);
}

std::string_view StatCache::PathAt(size_t index) const {
  Record record = RecordAt(bytes_, index);
  size_t paths = sizeof(Header) + count_ * sizeof(Record);
  return std::string_view(bytes_).substr(paths + record.path_offset, record.path_size);
}

const uint8_t* StatCache::HashIfSame(size_t index, const FileStamp& stamp) const {
  if (RecordAt(bytes_, index).stamp != stamp) return nullptr;
  if (std::max(stamp.mtime, stamp.ctime) >= scan_start_ - kTimeResolution) return nullptr;
  return reinterpret_cast<const uint8_t*>(bytes_.data() + sizeof(Header) + index * sizeof(Record) + sizeof(FileStamp));
}

const uint8_t* StatCache::Find(std::string_view path, const FileStamp& stamp) const {
  size_t low = 0;
  size_t high = count_;
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (PathAt(middle) < path) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return FindNext(low, path, stamp);
}

const uint8_t* StatCache::FindNext(size_t& cursor, std::string_view path, const FileStamp& stamp) const {
  while (cursor < count_) {
    int order = PathAt(cursor).compare(path);
    if (order > 0) return nullptr;
    ++cursor;
    if (order == 0) return HashIfSame(cursor - 1, stamp);
  }
  return nullptr;
}

}  // namespace wasmagent::client
