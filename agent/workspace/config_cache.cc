#include "agent/workspace/config_cache.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "platform/directory.h"
#include "platform/file.h"
#include "platform/status.h"

namespace wasmagent::workspace {
namespace {

// Keys change with every configure input; the caches of the last 64 serve more branches than an agent's workspaces.
constexpr size_t kMostCaches = 64;
// A config.cache of CPython has 40 KB; one beyond this is not autoconf's.
constexpr uint64_t kLargestCache = 16 << 20;

absl::Status RemoveOldest(const std::string& directory) {
  ASSIGN_OR_RETURN(auto entries, platform::ListDirectory(directory));
  if (entries.size() <= kMostCaches) return absl::OkStatus();
  std::vector<std::pair<time_t, std::string>> by_time;
  for (const auto& entry : entries) {
    struct stat info;
    std::string path = directory + "/" + entry.name;
    if (::stat(path.c_str(), &info) == 0) by_time.emplace_back(info.st_mtime, path);
  }
  std::sort(by_time.begin(), by_time.end());
  for (size_t i = 0; i + kMostCaches < by_time.size(); ++i) ::unlink(by_time[i].second.c_str());
  return absl::OkStatus();
}

}  // namespace

absl::Status ConfigCache::Seed(const std::string& key, const std::string& build_directory) const {
  auto bytes = platform::ReadFile(directory_ + "/" + key, kLargestCache);
  if (absl::IsNotFound(bytes.status())) return absl::OkStatus();
  RETURN_IF_ERROR_CTX(bytes.status(), "config.cache");
  // The key is the newest use: collection goes by time.
  (void)::utimensat(AT_FDCWD, (directory_ + "/" + key).c_str(), nullptr, 0);
  return platform::WriteFileAtomically(build_directory + "/config.cache", *bytes, 0644, /*durable=*/false);
}

void ConfigCache::Forget(const std::string& key) const { ::unlink((directory_ + "/" + key).c_str()); }

absl::Status ConfigCache::Keep(const std::string& key, const std::string& build_directory) const {
  auto bytes = platform::ReadRegularFile(build_directory + "/config.cache", kLargestCache);
  // What is not there, or is nothing that autoconf writes, is not worth keeping.
  if (absl::IsNotFound(bytes.status()) || absl::IsFailedPrecondition(bytes.status())) return absl::OkStatus();
  RETURN_IF_ERROR_CTX(bytes.status(), "config.cache");
  RETURN_IF_ERROR(platform::MakeDirectories(directory_, 0700));
  RETURN_IF_ERROR(platform::WriteFileAtomically(directory_ + "/" + key, *bytes, 0600, /*durable=*/false));
  return RemoveOldest(directory_);
}

}  // namespace wasmagent::workspace
