#include "agent/sandbox/control_groups.h"

#include <sys/stat.h>

#include <sstream>

#include "platform/file.h"

namespace wasmagent::sandbox {
namespace {

bool IsFolder(const std::string& path) {
  struct stat info;
  return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

bool HasController(std::string_view list, std::string_view controller) {
  for (size_t begin = 0; begin <= list.size();) {
    size_t end = std::min(list.find(',', begin), list.size());
    if (list.substr(begin, end - begin) == controller) return true;
    begin = end + 1;
  }
  return false;
}

// The group's folder below `mount`, and those above it up to `mount`.
std::vector<std::string> FoldersBelow(const std::string& mount, std::string path) {
  std::vector<std::string> folders;
  if (!IsFolder(mount)) return folders;
  while (path == "/" ? false : !path.empty() && !IsFolder(mount + path)) {
    size_t next = path.find('/', 1);
    path = next == std::string::npos ? "" : path.substr(next);
  }
  while (path.size() > 1) {
    folders.push_back(mount + path);
    path.resize(path.rfind('/'));
  }
  folders.push_back(mount);
  return folders;
}

}  // namespace

ControlGroup FindControlGroup(std::string_view controller, const std::string& root) {
  auto text = platform::ReadFile(root + "/proc/self/cgroup");
  if (!text.ok()) return {};
  const std::string mounts = root + "/sys/fs/cgroup";
  std::string v1_path;
  std::string v2_path;
  std::istringstream lines(*text);
  for (std::string line; std::getline(lines, line);) {
    // "5:cpu,cpuacct:/path" in v1, "0::/path" in v2; the path may have colons.
    size_t first = line.find(':');
    size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    std::string_view controllers = std::string_view(line).substr(first + 1, second - first - 1);
    if (controllers.empty()) v2_path = line.substr(second + 1);
    if (HasController(controllers, controller)) v1_path = line.substr(second + 1);
  }
  if (!v1_path.empty()) {
    auto folders = FoldersBelow(mounts + "/" + std::string(controller), v1_path);
    if (!folders.empty()) return {1, std::move(folders)};
  }
  if (v2_path.empty()) return {};
  const bool pure = platform::ReadFile(mounts + "/cgroup.controllers").ok();
  auto folders = FoldersBelow(pure ? mounts : mounts + "/unified", v2_path);
  if (folders.empty()) return {};
  return {2, std::move(folders)};
}

}  // namespace wasmagent::sandbox
