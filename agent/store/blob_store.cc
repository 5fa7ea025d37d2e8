#include "agent/store/blob_store.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <atomic>

#include "absl/container/flat_hash_set.h"
#include "agent/store/blob_files.h"
#include "agent/store/blob_index.h"
#include "agent/store/blob_writer.h"
#include "agent/store/disk_flush.h"
#include "agent/store/garbage_collector.h"
#include "agent/store/lease_table.h"
#include "agent/store/store_layout.h"
#include "agent/store/tree_check.h"
#include "fmt/format.h"
#include "platform/file.h"
#include "platform/parallel.h"
#include "platform/status.h"

namespace wasmagent::store {

struct BlobStore::Impl {
  Impl(BlobStoreOptions the_options, const platform::Clock& the_clock, std::unique_ptr<StoreLayout> the_layout)
      : options(std::move(the_options)),
        clock(the_clock),
        layout(std::move(the_layout)),
        index(*layout),
        flush(layout->root_fd()),
        files(*layout, index, flush, clock, options.min_free_bytes) {}

  uint32_t Now() const { return static_cast<uint32_t>(absl::ToUnixSeconds(clock.Now())); }
  bool Use(const Digest& digest) { return digest == Digest::Empty() || index.Use(digest, Now()).has_value(); }

  const BlobStoreOptions options;
  const platform::Clock& clock;
  const std::unique_ptr<StoreLayout> layout;
  BlobIndex index;
  DiskFlush flush;
  BlobFiles files;
  const std::shared_ptr<LeaseTable> leases = std::make_shared<LeaseTable>();
  absl::Mutex collecting;
  std::atomic<uint64_t> written = 0;
  std::atomic<uint64_t> collected = 0;
};

BlobStore::BlobStore(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

BlobStore::~BlobStore() { SaveUse(); }

absl::StatusOr<std::unique_ptr<BlobStore>> BlobStore::Open(BlobStoreOptions options, const platform::Clock& clock) {
  std::string directory = options.directory;
  ASSIGN_OR_RETURN_CTX(auto layout, StoreLayout::Open(directory), "open the blob store");
  ASSIGN_OR_RETURN_CTX(auto hashes, layout->List(), "open the blob store");
  auto impl = std::make_unique<Impl>(std::move(options), clock, std::move(layout));
  impl->index.Fill(hashes);
  return std::unique_ptr<BlobStore>(new BlobStore(std::move(impl)));
}

bool BlobStore::Has(const Digest& digest) { return impl_->Use(digest); }

std::vector<Digest> BlobStore::FindMissing(const std::vector<Digest>& digests) {
  std::vector<Digest> missing;
  absl::flat_hash_set<Digest> listed;
  for (const Digest& digest : digests) {
    if (!impl_->Use(digest) && listed.insert(digest).second) missing.push_back(digest);
  }
  return missing;
}

std::vector<Digest> BlobStore::FindMissingWhole(const std::vector<Digest>& digests) {
  const uint32_t now = impl_->Now();
  auto read = DirectoryReader();
  TreeCheck check(impl_->index, read, now, SIZE_MAX);
  std::vector<Digest> missing;
  absl::flat_hash_set<Digest> listed;
  for (const Digest& digest : digests) {
    if (digest == Digest::Empty()) continue;
    auto info = impl_->index.Use(digest, now);
    bool present = info.has_value();
    if (present && !info->whole) {
      BlobKind kind = static_cast<BlobKind>(info->kind);
      if (kind == BlobKind::kUnknown) {
        kind = ReadKind(*impl_->layout, read, digest);
        impl_->index.SetKind(digest.hash, kind);
      }
      if (kind == BlobKind::kDirectory) present = check.IsWhole(digest).value_or(false);
    }
    if (!present && listed.insert(digest).second) missing.push_back(digest);
  }
  return missing;
}

std::vector<absl::Status> BlobStore::PutAll(const std::vector<Put>& blobs) {
  std::vector<absl::Status> statuses(blobs.size());
  uint64_t bytes = 0;
  for (const Put& blob : blobs) bytes += blob.bytes.size();
  absl::Status room = impl_->files.CheckRoom(bytes);
  std::vector<StagedBlob> staged;
  std::vector<size_t> waiting;
  for (size_t i = 0; i < blobs.size(); ++i) {
    Digest actual = Digest::Of(blobs[i].bytes);
    if (actual != blobs[i].digest) {
      statuses[i] = WrongDigest(blobs[i].digest, actual);
    } else if (!impl_->Use(actual)) {
      auto blob = room.ok() ? impl_->files.StageBytes(actual, blobs[i].bytes) : absl::StatusOr<StagedBlob>(room);
      statuses[i] = blob.status();
      if (!blob.ok()) continue;
      if (blobs.size() > kHandful) blob->CloseFile();
      staged.push_back(*std::move(blob));
      waiting.push_back(i);
    }
  }
  impl_->written += staged.size();
  absl::Status published = impl_->files.Publish(std::move(staged));
  for (size_t i : waiting) statuses[i] = published;
  return statuses;
}

absl::Status BlobStore::PutOne(const Digest& digest, std::string_view bytes) { return PutAll({{digest, bytes}})[0]; }

absl::StatusOr<std::unique_ptr<BlobWriter>> BlobStore::NewWriter(const Digest& digest) {
  RETURN_IF_ERROR(impl_->files.CheckRoom(digest.size));
  ASSIGN_OR_RETURN(StagedBlob staged, impl_->files.Stage());
  impl_->written += 1;
  return std::make_unique<StagedWriter>(impl_->files, std::move(staged), digest);
}

std::vector<absl::Status> BlobStore::PutFiles(const std::vector<PutFile>& files, size_t threads) {
  // Files that one thread takes at a time.
  constexpr size_t kBatch = 16;
  std::vector<absl::Status> statuses(files.size());
  std::vector<std::optional<StagedBlob>> staged(files.size());
  uint64_t bytes = 0;
  // A sum that would overflow is more than any disk has.
  for (const PutFile& file : files) bytes += std::min(file.digest.size, UINT64_MAX - bytes);
  if (absl::Status room = impl_->files.CheckRoom(bytes); !room.ok()) return {files.size(), room};
  auto put = [&](size_t i) {
    if (impl_->Use(files[i].digest)) return absl::OkStatus();
    absl::StatusOr<platform::ScopedFd> from = files[i].open();
    auto blob =
        from.ok() ? impl_->files.StageFile(files[i].digest, from->get()) : absl::StatusOr<StagedBlob>(from.status());
    statuses[i] = blob.status();
    if (!blob.ok()) return absl::OkStatus();  // one status each; the others go on
    if (files.size() > kHandful) blob->CloseFile();
    staged[i].emplace(*std::move(blob));
    return absl::OkStatus();
  };
  absl::Status none = platform::ParallelFor(files.size(), threads, kBatch, put);
  std::vector<StagedBlob> whole;
  std::vector<size_t> waiting;
  for (size_t i = 0; i < files.size(); ++i) {
    if (!staged[i]) continue;
    whole.push_back(*std::move(staged[i]));
    waiting.push_back(i);
  }
  impl_->written += whole.size();
  absl::Status published = impl_->files.Publish(std::move(whole));
  for (size_t i : waiting) statuses[i] = published;
  return statuses;
}

absl::StatusOr<platform::ScopedFd> BlobStore::OpenBlob(const Digest& digest) {
  auto absent = [&] { return absl::NotFoundError(fmt::format("blob {} is not in the store", digest.ToString())); };
  if (digest == Digest::Empty()) return platform::OpenAt(AT_FDCWD, "/dev/null", O_RDONLY);
  if (!impl_->Use(digest)) return absent();
  auto fd = platform::OpenAt(impl_->layout->root_fd(), StoreLayout::BlobName(digest.hash), O_RDONLY);
  if (!fd.ok() && fd.status().code() != absl::StatusCode::kNotFound) return fd.status();
  struct stat info;
  if (fd.ok() && ::fstat(fd->get(), &info) == 0 && static_cast<uint64_t>(info.st_size) == digest.size) return fd;
  // Gone, or cut by something that is not this store: a client must send it again.
  impl_->index.Lose(digest.hash);
  return absent();
}

absl::StatusOr<std::string> BlobStore::Read(const Digest& digest, uint64_t limit) {
  if (digest.size > limit) {
    return absl::ResourceExhaustedError(
        fmt::format("blob {}: at most {} bytes are read at once", digest.ToString(), limit));
  }
  ASSIGN_OR_RETURN(platform::ScopedFd fd, OpenBlob(digest));
  std::string bytes(digest.size, '\0');
  ASSIGN_OR_RETURN_CTX(size_t got, platform::ReadAt(fd.get(), bytes.data(), bytes.size(), 0),
                       "blob " + digest.ToString());
  if (got != bytes.size()) return absl::DataLossError(fmt::format("blob {} is cut", digest.ToString()));
  return bytes;
}

content::DirectoryReader BlobStore::DirectoryReader() {
  return [this](const Digest& digest) { return Read(digest); };
}

absl::StatusOr<std::vector<Digest>> BlobStore::MissingFromTree(const Digest& root, size_t limit) {
  TreeCheck check(impl_->index, DirectoryReader(), impl_->Now(), limit);
  RETURN_IF_ERROR_CTX(check.IsWhole(root).status(), "tree " + root.ToString());
  return check.missing();
}

Lease BlobStore::LeaseTree(const Digest& root) { return LeaseBlobs({root}); }

Lease BlobStore::LeaseBlobs(std::vector<Digest> blobs) {
  // First the table, then the use: a collection that has read the table sees the use.
  std::shared_ptr<void> hold = impl_->leases->Hold(blobs);
  for (const Digest& digest : blobs) impl_->Use(digest);
  return Lease(std::move(hold));
}

absl::StatusOr<CollectResult> BlobStore::Collect(uint64_t budget, const std::vector<Digest>& keep_roots) {
  absl::MutexLock lock(&impl_->collecting);
  SaveUse();
  GarbageCollector collector(*impl_->layout, impl_->index, *impl_->leases, [this](const Digest& digest) {
    // Not through OpenBlob: reading for the collection is no use of the blob.
    std::string path = impl_->layout->directory() + "/" + StoreLayout::BlobName(digest.hash);
    return platform::ReadFile(path, digest.size);
  });
  int64_t since = absl::ToUnixSeconds(impl_->clock.Now() - impl_->options.grace);
  // With no grace not even the present second is protected.
  uint32_t keep_since =
      impl_->options.grace <= absl::ZeroDuration() ? UINT32_MAX : static_cast<uint32_t>(std::max<int64_t>(since, 0));
  auto result = collector.Run(budget, keep_roots, keep_since);
  if (result.ok()) impl_->collected += result->removed_blobs;
  return result;
}

void BlobStore::SaveUse() {
  for (const auto& [hash, last_use] : impl_->index.TakeUnsaved()) {
    timespec times[2] = {{0, UTIME_OMIT}, {static_cast<time_t>(last_use), 0}};
    // A blob that is gone has no use to save.
    (void)::utimensat(impl_->layout->root_fd(), StoreLayout::BlobName(hash).c_str(), times, 0);
  }
}

BlobStoreStats BlobStore::Stats() const {
  auto [blobs, bytes] = impl_->index.Totals();
  return {blobs, bytes, impl_->written.load(), impl_->collected.load()};
}

const BlobStoreOptions& BlobStore::options() const { return impl_->options; }

}  // namespace wasmagent::store
