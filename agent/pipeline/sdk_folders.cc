#include "agent/pipeline/sdk_folders.h"

#include <sys/stat.h>

#include <algorithm>

#include "platform/directory.h"

namespace wasmagent::pipeline {
namespace {

bool IsFolder(const std::string& path) {
  struct stat info;
  return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

}  // namespace

std::vector<std::string> SdkFolders(const std::string& place) {
  const size_t slash = place.rfind('/');
  const std::string parent = slash == 0 ? "/" : place.substr(0, slash);
  const std::string prefix = place.substr(slash + 1) + "-";
  std::vector<std::string> beside;
  const auto entries = platform::ListDirectory(parent);
  if (entries.ok()) {
    for (const platform::DirectoryEntry& entry : *entries) {
      const std::string path = place.substr(0, slash + 1) + entry.name;
      if (entry.name.rfind(prefix, 0) == 0 && IsFolder(path)) beside.push_back(path);
    }
  }
  std::sort(beside.begin(), beside.end());
  if (IsFolder(place)) beside.insert(beside.begin(), place);
  return beside;
}

}  // namespace wasmagent::pipeline
