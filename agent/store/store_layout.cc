#include "agent/store/store_layout.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>

#include "fmt/format.h"
#include "platform/directory.h"
#include "platform/file.h"
#include "platform/status.h"

namespace wasmagent::store {
namespace {

constexpr size_t kFolders = 256;

absl::Status EmptyFolder(const std::string& path) {
  RETURN_IF_ERROR(platform::MakeDirectories(path, 0700));
  ASSIGN_OR_RETURN(auto entries, platform::ListDirectory(path));
  for (const auto& entry : entries) RETURN_IF_ERROR(platform::RemoveTree(path + "/" + entry.name));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<StoreLayout>> StoreLayout::Open(const std::string& directory) {
  RETURN_IF_ERROR_CTX(platform::MakeDirectories(directory, 0700), "make the store's folder");
  ASSIGN_OR_RETURN_CTX(auto lock, platform::FileLock::TryAcquire(directory + "/lock"), "lock the store");
  ASSIGN_OR_RETURN(auto root, platform::OpenAt(AT_FDCWD, directory, O_RDONLY | O_DIRECTORY));
  std::unique_ptr<StoreLayout> layout(new StoreLayout(directory, std::move(root), std::move(lock)));
  RETURN_IF_ERROR_CTX(EmptyFolder(directory + "/tmp"), "empty the store's tmp");
  RETURN_IF_ERROR_CTX(EmptyFolder(directory + "/trash"), "empty the store's trash");
  RETURN_IF_ERROR(platform::MakeDirectories(directory + "/blobs", 0700));
  for (size_t folder = 0; folder < kFolders; ++folder) {
    if (::mkdirat(layout->root_fd(), FolderName(folder).c_str(), 0700) == 0 || errno == EEXIST) continue;
    return platform::ErrnoStatus(errno, fmt::format("{}/{}", directory, FolderName(folder)));
  }
  // The folders must be there after a crash, or the blobs in them are not.
  RETURN_IF_ERROR(platform::SyncDirectory(directory + "/blobs"));
  RETURN_IF_ERROR(platform::SyncDirectory(directory));
  return layout;
}

std::string StoreLayout::NewTemporaryName() { return fmt::format("tmp/{}", next_name_.fetch_add(1)); }

std::string StoreLayout::NewTrashName() { return fmt::format("trash/{}", next_name_.fetch_add(1)); }

std::string StoreLayout::FolderName(size_t folder) { return fmt::format("blobs/{:02x}", folder); }

std::string StoreLayout::BlobName(const std::array<uint8_t, 32>& hash) {
  std::string hex = content::Digest{hash, 0}.Hex();
  return fmt::format("blobs/{}/{}", std::string_view(hex).substr(0, 2), hex);
}

absl::StatusOr<std::vector<std::array<uint8_t, 32>>> StoreLayout::List() const {
  std::vector<std::array<uint8_t, 32>> hashes;
  for (size_t folder = 0; folder < kFolders; ++folder) {
    ASSIGN_OR_RETURN(auto entries, platform::ListDirectory(fmt::format("{}/{}", directory_, FolderName(folder))));
    for (const auto& entry : entries) {
      auto digest = content::Digest::Parse(entry.name + "/0");
      if (digest.ok() && FolderOf(digest->hash) == folder) hashes.push_back(digest->hash);
    }
  }
  return hashes;
}

absl::Status StoreLayout::Discard(const std::array<uint8_t, 32>& hash) {
  std::string trash = NewTrashName();
  std::string name = BlobName(hash);
  if (::renameat(root_fd(), name.c_str(), root_fd(), trash.c_str()) != 0) {
    return errno == ENOENT ? absl::OkStatus() : platform::ErrnoStatus(errno, name);
  }
  if (::unlinkat(root_fd(), trash.c_str(), 0) != 0) return platform::ErrnoStatus(errno, trash);
  return absl::OkStatus();
}

}  // namespace wasmagent::store
