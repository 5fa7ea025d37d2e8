#include "client/checkout/ignore_reason.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <filesystem>

#include "client/checkout/directory_walk.h"
#include "client/checkout/git_files.h"
#include "fmt/format.h"
#include "platform/file.h"
#include "platform/status.h"

namespace wasmagent::client {
namespace {

absl::StatusOr<std::string> RelativePath(const Checkout& checkout, const std::string& path) {
  std::filesystem::path given(path);
  if (given.is_absolute()) given = given.lexically_normal().lexically_relative(checkout.path);
  std::string relative = given.lexically_normal().string();
  while (!relative.empty() && relative.back() == '/') relative.pop_back();
  if (relative.empty() || relative == "." || relative == ".." || relative.starts_with("../")) {
    return absl::InvalidArgumentError(fmt::format("{}: not below the checkout {}", path, checkout.path));
  }
  return relative;
}

// Calls `question(prefix, is_folder)` for every folder above the path and for itself; the first answer counts.
template <typename F>
std::string FirstOf(const std::string& path, bool is_folder, F question) {
  for (size_t slash = path.find('/'); slash != std::string::npos; slash = path.find('/', slash + 1)) {
    if (std::string answer = question(path.substr(0, slash), true); !answer.empty()) return answer;
  }
  return question(path, is_folder);
}

std::string AlwaysRule(const std::string& path, bool is_regular_file, Authority authority) {
  if (!IsAlwaysLeftOut(path, is_regular_file, authority)) return "";
  return fmt::format("always left out: {}",
                     path.starts_with("builddir") ? "the place of products at the root" : ".git");
}

// Whether git says what belongs to the checkout, as for a scan: not where there is no git, and not in a folder that a
// repository further up ignores as a whole.
absl::StatusOr<bool> IsGits(const Checkout& checkout, const IgnoreRules& rules) {
  if (!IsInGit(checkout.path)) return false;
  auto files = ListGitFiles(checkout.path, rules);
  if (absl::IsNotFound(files.status())) return false;
  RETURN_IF_ERROR(files.status());
  return !files->empty();
}

}  // namespace

absl::StatusOr<IgnoreReason> ExplainPath(const Checkout& checkout, const std::string& given) {
  ASSIGN_OR_RETURN(std::string path, RelativePath(checkout, given));
  ASSIGN_OR_RETURN(auto root, platform::OpenAt(AT_FDCWD, checkout.path, O_RDONLY | O_DIRECTORY));
  struct stat info;
  bool exists = ::fstatat(root.get(), path.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0;
  bool is_folder = exists ? S_ISDIR(info.st_mode) : given.ends_with('/');
  // A link in the place of products is left out as a folder there is.
  bool is_regular_file = exists ? S_ISREG(info.st_mode) : !is_folder;
  IgnoreRules rules(platform::ReadFile(checkout.path + "/.wasmignore").value_or(""));
  ASSIGN_OR_RETURN(bool git, IsGits(checkout, rules));
  auto always = [&](const std::string& at, bool folder) {
    return AlwaysRule(at, !folder && is_regular_file, git ? Authority::kGit : Authority::kFolder);
  };
  if (std::string rule = FirstOf(path, is_folder, always); !rule.empty()) return IgnoreReason{true, rule};
  if (const IgnoreRule* rule = rules.Match(path, is_folder)) {
    return IgnoreReason{true, fmt::format(".wasmignore:{}:{}", rule->line, rule->text)};
  }
  if (git) {
    ASSIGN_OR_RETURN(std::string reason, GitIgnoreReason(checkout.path, path));
    if (!reason.empty()) return IgnoreReason{true, reason};
    return IgnoreReason{false, exists ? "tracked by git, or not ignored by it" : "there is no such file"};
  }
  std::string cache = FirstOf(path, is_folder, [&](const std::string& folder, bool is) -> std::string {
    absl::StatusOr<platform::ScopedFd> fd = absl::NotFoundError("");
    if (is) fd = OpenFolder(root.get(), folder);
    return fd.ok() && IsCacheFolder(fd->get()) ? fmt::format("{}/{} marks a cache", folder, kCacheTag) : "";
  });
  if (!cache.empty()) return IgnoreReason{true, cache};
  if (!exists) return IgnoreReason{false, "there is no such file"};
  return IgnoreReason{false, "no rule leaves it out"};
}

}  // namespace wasmagent::client
