// Where a store keeps what in its folder.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "content/digest.h"
#include "platform/file_lock.h"
#include "platform/scoped_fd.h"

namespace wasmagent::store {

// Owns the store's folder and its lock:
//   lock                     held by the one agent that uses the store
//   blobs/<2 hex>/<64 hex>   whole blobs, 0444; what is here is durable
//   tmp/<number>             blobs on their way in
//   trash/<number>           blobs on their way out
// tmp/ and trash/ are emptied when the store is opened, so a crash at any instant leaves nothing behind. Thread-safe.
class StoreLayout {
 public:
  static absl::StatusOr<std::unique_ptr<StoreLayout>> Open(const std::string& directory);

  // A name for a file in tmp/ or trash/ that no other has.
  std::string NewTemporaryName();
  std::string NewTrashName();

  static std::string BlobName(const std::array<uint8_t, 32>& hash);
  // The folder of a blob as a number, 0 to 255, and its name.
  static size_t FolderOf(const std::array<uint8_t, 32>& hash) { return hash[0]; }
  static std::string FolderName(size_t folder);

  // All names below are relative to this descriptor.
  int root_fd() const { return root_.get(); }
  const std::string& directory() const { return directory_; }

  // The hashes of all blobs, by listing 256 folders; other names are left alone and skipped.
  absl::StatusOr<std::vector<std::array<uint8_t, 32>>> List() const;
  // Puts a name out of blobs/ into trash/ and removes it there. It is no error when it is gone.
  absl::Status Discard(const std::array<uint8_t, 32>& hash);

 private:
  StoreLayout(std::string directory, platform::ScopedFd root, platform::FileLock lock)
      : directory_(std::move(directory)), root_(std::move(root)), lock_(std::move(lock)) {}

  const std::string directory_;
  platform::ScopedFd root_;
  platform::FileLock lock_;
  std::atomic<uint64_t> next_name_ = 0;
};

}  // namespace wasmagent::store
