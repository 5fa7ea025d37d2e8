#include "client/artifacts/evidence_writer.h"

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>

#include "fmt/format.h"
#include "platform/directory.h"
#include "platform/file.h"
#include "platform/status.h"

namespace wasmagent::client {
namespace {

constexpr char kStagingPrefix[] = ".wasmctl-staging-";

absl::Status CheckPath(const std::string& path) {
  std::filesystem::path parts(path);
  bool bad = path.empty() || parts.is_absolute() || path.ends_with('/');
  for (const auto& part : parts) bad |= part == ".." || part == ".git";
  if (bad) return absl::DataLossError(fmt::format("the agent names '{}' as a file to write", path));
  return absl::OkStatus();
}

absl::Status Place(const std::string& staged, int folder_fd, const std::string& path) {
  size_t slash = path.rfind('/');
  platform::ScopedFd parent;
  if (slash != std::string::npos) {
    ASSIGN_OR_RETURN(
        parent, platform::MakeDirectoriesBeneath(folder_fd, path.substr(0, slash), platform::InTheWay::kRefuse, 0777));
  }
  const std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
  if (::renameat(AT_FDCWD, staged.c_str(), parent.valid() ? parent.get() : folder_fd, name.c_str()) != 0)
    return platform::ErrnoStatus(errno, path);
  return absl::OkStatus();
}

}  // namespace

absl::Status FetchFiles(content::BlobTransfer& transfer, const std::vector<NamedBlob>& files,
                        const std::string& folder) {
  for (const NamedBlob& file : files) RETURN_IF_ERROR(CheckPath(file.path));
  RETURN_IF_ERROR_CTX(platform::MakeDirectories(folder, 0777), "make the output folder");
  ASSIGN_OR_RETURN(auto fd, platform::OpenAt(AT_FDCWD, folder, O_RDONLY | O_DIRECTORY));
  ASSIGN_OR_RETURN(const std::string staging, platform::MakeTemporaryDirectory(folder, kStagingPrefix));
  std::vector<content::BlobTransfer::Download> downloads;
  for (size_t i = 0; i < files.size(); ++i) {
    auto open = [path = fmt::format("{}/{}", staging, i)]() -> absl::StatusOr<int> {
      ASSIGN_OR_RETURN(auto to, platform::OpenAt(AT_FDCWD, path, O_WRONLY | O_CREAT | O_EXCL, 0666));
      return to.release();
    };
    downloads.push_back({files[i].digest, std::move(open), files[i].path});
  }
  absl::Status status = transfer.DownloadAll(std::move(downloads));
  for (size_t i = 0; status.ok() && i < files.size(); ++i) {
    status = Place(fmt::format("{}/{}", staging, i), fd.get(), files[i].path);
  }
  (void)platform::RemoveTree(staging);
  return status;
}

}  // namespace wasmagent::client
