#include "agent/store/blob_writer.h"

#include <fcntl.h>

#include "fmt/format.h"
#include "platform/file.h"
#include "platform/status.h"

namespace wasmagent::store {
namespace {

// Bytes after which the kernel is asked to begin writing them out.
constexpr uint64_t kPush = uint64_t{8} << 20;

}  // namespace

absl::Status StagedWriter::Write(std::string_view bytes) {
  if (bytes.size() > digest_.size - written_) {
    return absl::InvalidArgumentError(fmt::format("blob {}: more bytes than its digest says", digest_.ToString()));
  }
  absl::Status status = platform::WriteAll(staged_.fd(), bytes);
  if (!status.ok()) {
    return platform::Annotate(files_.ExplainFullDisk(status, digest_.size - written_),
                              "write blob " + digest_.ToString());
  }
  hasher_.Update(bytes);
  written_ += bytes.size();
  if (written_ - pushed_ >= kPush) {
    // Only a hint: what it does not do, the flush does.
    ::sync_file_range(staged_.fd(), static_cast<off_t>(pushed_), static_cast<off_t>(written_ - pushed_),
                      SYNC_FILE_RANGE_WRITE);
    pushed_ = written_;
    RETURN_IF_ERROR(files_.CheckRoom(digest_.size - written_));
  }
  return absl::OkStatus();
}

absl::Status StagedWriter::Commit() {
  content::Digest actual = hasher_.Finish();
  if (actual != digest_) return WrongDigest(digest_, actual);
  staged_.digest = digest_;
  std::vector<StagedBlob> one;
  one.push_back(std::move(staged_));
  return files_.Publish(std::move(one));
}

}  // namespace wasmagent::store
