// Which files of a git checkout belong to it, by git's own rules.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/checkout/ignore_rules.h"

namespace wasmagent::client {

// True when `folder` lies in a git checkout: it or a folder above it holds ".git". Asks the file system only.
bool IsInGit(const std::string& folder);

// Paths relative to `folder`, sorted, each once: tracked files, untracked ones that git does not ignore, and the same
// of every submodule and nested repository; of repositories that were added without being made a submodule only with
// `look_everywhere`, which costs a stat() for each path. Repositories inside that `rules` or the place of products
// leave out are not asked. Tracked files that are not there any more may be among the paths, and so may folders: an
// empty submodule. Costs one git process for each repository, about 10 ms for 5,000 files. NOT_FOUND when there is no
// git program; FAILED_PRECONDITION with git's own words when it refuses.
absl::StatusOr<std::vector<std::string>> ListGitFiles(const std::string& folder, const IgnoreRules& rules = {},
                                                      bool look_everywhere = false);

// The answer of `git check-ignore -v`, "<file>:<line>:<pattern>", or empty when git does not ignore the path. Of a path
// in a submodule or nested repository that repository is asked, and the file is below its folder.
absl::StatusOr<std::string> GitIgnoreReason(const std::string& folder, const std::string& path);

}  // namespace wasmagent::client
