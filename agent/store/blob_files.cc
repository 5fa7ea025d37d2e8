#include "agent/store/blob_files.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <bitset>

#include "content/tree.h"
#include "fmt/format.h"
#include "platform/directory.h"
#include "platform/file.h"
#include "platform/status.h"

namespace wasmagent::store {
namespace {

// Files up to this size are read whole: then nothing is written for one that has changed, and its kind is known.
constexpr uint64_t kSmallFile = uint64_t{1} << 20;
constexpr size_t kChunk = size_t{256} << 10;

absl::StatusOr<std::string> ReadSmall(int fd, uint64_t size) {
  // One byte more shows a file that has grown.
  std::string bytes(static_cast<size_t>(size) + 1, '\0');
  ASSIGN_OR_RETURN(size_t got, platform::ReadAt(fd, bytes.data(), bytes.size(), 0));
  bytes.resize(got);
  return bytes;
}

// Copies and hashes in one pass. Ends at the first byte beyond `size`: a file that has grown since it was hashed is not
// copied to an end that may never come.
absl::StatusOr<content::Digest> CopyHashed(int from, int to, uint64_t size) {
  std::unique_ptr<char[]> buffer(new char[kChunk]);
  content::Hasher hasher;
  for (uint64_t offset = 0;;) {
    ASSIGN_OR_RETURN(size_t got, platform::ReadAt(from, buffer.get(), kChunk, offset));
    if (got == 0) return hasher.Finish();
    if (got > size - offset) return absl::InvalidArgumentError(fmt::format("the file has more than {} bytes", size));
    std::string_view piece(buffer.get(), got);
    hasher.Update(piece);
    RETURN_IF_ERROR(platform::WriteAll(to, piece));
    offset += got;
  }
}

}  // namespace

StagedBlob::StagedBlob(StagedBlob&& other) noexcept
    : digest(other.digest),
      kind(other.kind),
      layout_(other.layout_),
      name_(std::exchange(other.name_, {})),
      fd_(std::move(other.fd_)) {}

StagedBlob::~StagedBlob() {
  if (!name_.empty()) ::unlinkat(layout_->root_fd(), name_.c_str(), 0);
}

BlobKind KindOf(std::string_view bytes) {
  bool directory = !bytes.empty() && content::MayBeDirectory(bytes) && content::ParseDirectory(bytes).ok();
  return directory ? BlobKind::kDirectory : BlobKind::kLeaf;
}

absl::Status WrongDigest(const content::Digest& expected, const content::Digest& actual) {
  return absl::InvalidArgumentError(
      fmt::format("the bytes of blob {} have the digest {}", expected.ToString(), actual.ToString()));
}

absl::Status BlobFiles::CheckRoom(uint64_t bytes) const {
  ASSIGN_OR_RETURN(uint64_t free, platform::FreeBytes(layout_.directory()));
  if (free >= min_free_bytes_ && free - min_free_bytes_ >= bytes) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      fmt::format("the agent's disk is full: {} bytes needed, {} free at {}, of which {} are kept free", bytes, free,
                  layout_.directory(), min_free_bytes_));
}

absl::Status BlobFiles::ExplainFullDisk(const absl::Status& status, uint64_t needed) const {
  if (status.code() != absl::StatusCode::kResourceExhausted) return status;
  uint64_t free = platform::FreeBytes(layout_.directory()).value_or(0);
  return platform::Annotate(status, fmt::format("the agent's disk is full: {} bytes needed, {} free at {}", needed,
                                                free, layout_.directory()));
}

absl::StatusOr<StagedBlob> BlobFiles::Stage() {
  std::string name = layout_.NewTemporaryName();
  // 0444: a blob never changes.
  ASSIGN_OR_RETURN_CTX(auto fd, platform::OpenAt(layout_.root_fd(), name, O_RDWR | O_CREAT | O_EXCL, 0444),
                       "stage a blob");
  return StagedBlob(layout_, std::move(name), std::move(fd));
}

absl::StatusOr<StagedBlob> BlobFiles::StageBytes(const content::Digest& digest, std::string_view bytes) {
  ASSIGN_OR_RETURN(StagedBlob staged, Stage());
  absl::Status status = platform::WriteAll(staged.fd(), bytes);
  if (!status.ok()) return platform::Annotate(ExplainFullDisk(status, bytes.size()), "write blob " + digest.ToString());
  staged.digest = digest;
  staged.kind = KindOf(bytes);
  return staged;
}

absl::StatusOr<StagedBlob> BlobFiles::StageFile(const content::Digest& digest, int from) {
  if (digest.size <= kSmallFile) {
    ASSIGN_OR_RETURN(std::string bytes, ReadSmall(from, digest.size));
    content::Digest actual = content::Digest::Of(bytes);
    if (actual != digest) return WrongDigest(digest, actual);
    return StageBytes(digest, bytes);
  }
  ASSIGN_OR_RETURN(StagedBlob staged, Stage());
  content::Digest actual;
  if (::ioctl(staged.fd(), FICLONE, from) == 0) {
    ASSIGN_OR_RETURN(actual, content::DigestOfFile(staged.fd()));
  } else {
    auto copied = CopyHashed(from, staged.fd(), digest.size);
    if (!copied.ok())
      return platform::Annotate(ExplainFullDisk(copied.status(), digest.size), "blob " + digest.ToString());
    actual = *copied;
  }
  if (actual != digest) return WrongDigest(digest, actual);
  staged.digest = digest;
  return staged;
}

absl::Status BlobFiles::FlushFiles(const std::vector<StagedBlob>& blobs) {
  bool all_open = true;
  for (const StagedBlob& blob : blobs) all_open = all_open && blob.fd() >= 0;
  if (blobs.size() > kHandful || !all_open) return flush_.FlushAll();
  for (const StagedBlob& blob : blobs) {
    if (::fdatasync(blob.fd()) != 0) return platform::ErrnoStatus(errno, "flush blob " + blob.digest.ToString());
  }
  return absl::OkStatus();
}

absl::Status BlobFiles::FlushNames(const std::vector<StagedBlob>& blobs) {
  if (blobs.size() > kHandful) return flush_.FlushAll();
  std::bitset<256> touched;
  for (const StagedBlob& blob : blobs) touched.set(StoreLayout::FolderOf(blob.digest.hash));
  for (size_t folder = 0; folder < touched.size(); ++folder) {
    if (!touched.test(folder)) continue;
    RETURN_IF_ERROR(platform::SyncDirectory(layout_.directory() + "/" + StoreLayout::FolderName(folder)));
  }
  return absl::OkStatus();
}

absl::Status BlobFiles::Publish(std::vector<StagedBlob> blobs) {
  if (blobs.empty()) return absl::OkStatus();
  RETURN_IF_ERROR(FlushFiles(blobs));
  absl::Status status;
  size_t renamed = 0;
  for (; renamed < blobs.size() && status.ok(); ++renamed) {
    StagedBlob& blob = blobs[renamed];
    std::string name = StoreLayout::BlobName(blob.digest.hash);
    index_.Pin(blob.digest.hash);
    if (::renameat(layout_.root_fd(), blob.name_.c_str(), layout_.root_fd(), name.c_str()) != 0) {
      status = platform::ErrnoStatus(errno, "publish blob " + blob.digest.ToString());
    } else {
      blob.name_.clear();
    }
  }
  if (status.ok()) status = FlushNames(blobs);
  uint32_t now = static_cast<uint32_t>(absl::ToUnixSeconds(clock_.Now()));
  // A blob that was renamed and not flushed is whole in its place, but it is not promised: it counts from the next
  // start on.
  for (size_t i = 0; i < renamed; ++i) {
    if (status.ok()) index_.Add(blobs[i].digest, blobs[i].kind, now);
    index_.Unpin(blobs[i].digest.hash);
  }
  return status;
}

}  // namespace wasmagent::store
