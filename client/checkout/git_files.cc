#include "client/checkout/git_files.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <string_view>

#include "client/checkout/directory_walk.h"
#include "fmt/format.h"
#include "platform/run_program.h"
#include "platform/status.h"

namespace wasmagent::client {
namespace {

// Repositories within repositories that are followed; a guard against a cycle of bind mounts.
constexpr int kMaxNesting = 32;

// A git that is called from a hook inherits the hook's repository by these; the question here is about the folder's
// own.
bool NamesARepository(const char* variable) {
  for (const char* name : {"GIT_DIR=", "GIT_WORK_TREE=", "GIT_INDEX_FILE=", "GIT_PREFIX=", "GIT_OBJECT_DIRECTORY=",
                           "GIT_COMMON_DIR=", "GIT_NAMESPACE="}) {
    if (std::strncmp(variable, name, std::strlen(name)) == 0) return true;
  }
  return false;
}

absl::StatusOr<platform::ProgramResult> RunGit(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "git");
  std::vector<std::string> environment;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    if (!NamesARepository(*variable)) environment.push_back(*variable);
  }
  // Refreshing the index on the side would write into the checkout.
  environment.push_back("GIT_OPTIONAL_LOCKS=0");
  // A list that is cut would leave files out; a large checkout takes git as long as it takes.
  return platform::RunProgram(arguments, {.most_output = SIZE_MAX, .environment = &environment});
}

absl::Status Refused(const std::string& folder, const platform::ProgramResult& result) {
  std::string words = result.err.empty() ? fmt::format("exit code {}", result.exit_code) : result.err;
  while (!words.empty() && words.back() == '\n') words.pop_back();
  return absl::FailedPreconditionError(fmt::format("git ls-files in {}: {}", folder, words));
}

// What is left out anyway is not asked about: git refuses repositories of other users, and what is broken.
bool IsLeftOut(const std::string& repository, const IgnoreRules& rules) {
  return IsAlwaysLeftOut(repository.substr(0, repository.find('/')), false, Authority::kGit) ||
         rules.Match(repository, true) != nullptr;
}

absl::Status AddFiles(const std::string& root, const std::string& prefix, const IgnoreRules& rules, int nesting,
                      std::vector<std::string>& paths) {
  std::string folder = prefix.empty() ? root : root + "/" + prefix;
  if (nesting > kMaxNesting)
    return absl::FailedPreconditionError(fmt::format("{}: too many nested repositories", folder));
  // --recurse-submodules cannot be combined with --others, so submodules (mode 160000, listed as their folder) are
  // asked one by one.
  ASSIGN_OR_RETURN(platform::ProgramResult result,
                   RunGit({"-C", folder, "ls-files", "-z", "--cached", "--others", "--exclude-standard"}));
  if (result.exit_code != 0) return Refused(folder, result);
  std::vector<std::string> nested;
  std::string_view rest = result.out;
  while (!rest.empty()) {
    size_t end = std::min(rest.find('\0'), rest.size());
    std::string_view name = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    std::string path = prefix.empty() ? std::string(name) : prefix + "/" + std::string(name);
    // "name/" is a repository inside that is no submodule.
    if (path.back() == '/') {
      path.pop_back();
      if (!IsLeftOut(path, rules)) nested.push_back(path);
    } else {
      paths.push_back(std::move(path));
    }
  }
  for (const std::string& repository : nested) RETURN_IF_ERROR(AddFiles(root, repository, rules, nesting + 1, paths));
  return absl::OkStatus();
}

// Submodules, and repositories that were added without being made one, stand in the list as their folder. Replaces
// those that are populated by their files. Looks at every path.
absl::Status ExpandSubmodules(const std::string& root, const IgnoreRules& rules, std::vector<std::string>& paths) {
  for (int round = 0; round <= kMaxNesting; ++round) {
    std::vector<std::string> folders;
    for (const std::string& path : paths) {
      struct stat info;
      std::string full = root + "/" + path;
      if (::lstat(full.c_str(), &info) != 0 || !S_ISDIR(info.st_mode) || IsLeftOut(path, rules)) continue;
      if (::lstat((full + "/.git").c_str(), &info) == 0) folders.push_back(path);
    }
    if (folders.empty()) return absl::OkStatus();
    for (const std::string& folder : folders) {
      paths.erase(std::remove(paths.begin(), paths.end(), folder), paths.end());
      RETURN_IF_ERROR(AddFiles(root, folder, rules, 1, paths));
    }
  }
  return absl::FailedPreconditionError(fmt::format("{}: too many nested submodules", root));
}

bool MayHaveSubmodules(const std::vector<std::string>& paths) {
  return std::any_of(paths.begin(), paths.end(),
                     [](const std::string& path) { return path == ".gitmodules" || path.ends_with("/.gitmodules"); });
}

}  // namespace

bool IsInGit(const std::string& folder) {
  struct stat info;
  for (std::string at = folder; !at.empty(); at.resize(at.rfind('/'))) {
    if (::lstat((at + "/.git").c_str(), &info) == 0) return true;
  }
  return false;
}

absl::StatusOr<std::vector<std::string>> ListGitFiles(const std::string& folder, const IgnoreRules& rules,
                                                      bool look_everywhere) {
  std::vector<std::string> paths;
  RETURN_IF_ERROR(AddFiles(folder, "", rules, 0, paths));
  if (look_everywhere || MayHaveSubmodules(paths)) RETURN_IF_ERROR(ExpandSubmodules(folder, rules, paths));
  std::sort(paths.begin(), paths.end());
  // A path in a merge conflict is listed once for each side.
  paths.erase(std::unique(paths.begin(), paths.end()), paths.end());
  return paths;
}

absl::StatusOr<std::string> GitIgnoreReason(const std::string& folder, const std::string& path) {
  // A submodule, and any other repository inside, answers for what lies in it.
  struct stat info;
  for (size_t slash = path.find('/'); slash != std::string::npos; slash = path.find('/', slash + 1)) {
    std::string inside = folder + "/" + path.substr(0, slash);
    if (::lstat((inside + "/.git").c_str(), &info) != 0) continue;
    ASSIGN_OR_RETURN(std::string reason, GitIgnoreReason(folder, path.substr(0, slash)));
    if (!reason.empty()) return reason;
    return GitIgnoreReason(inside, path.substr(slash + 1));
  }
  ASSIGN_OR_RETURN(platform::ProgramResult result, RunGit({"-C", folder, "check-ignore", "-v", "--", path}));
  if (result.exit_code > 1) return Refused(folder, result);
  if (result.exit_code == 1) return std::string();
  // "<file>:<line>:<pattern>" TAB "<path>"; a pattern of "!" means that the path is not ignored after all.
  std::string reason = result.out.substr(0, result.out.rfind('\t'));
  size_t pattern = reason.find(':', reason.find(':') + 1);
  if (pattern != std::string::npos && reason.compare(pattern, 2, ":!") == 0) return std::string();
  return reason;
}

}  // namespace wasmagent::client
