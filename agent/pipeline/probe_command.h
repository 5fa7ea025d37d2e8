// Short questions to programs, such as "cc --version".
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace wasmagent::pipeline {

struct ProbeAnswer {
  int exit_code = 0;   // 128 + signal when a signal ended it
  std::string output;  // stdout, at most 64 KiB: the answer
  std::string errors;  // stderr, as much: warnings, or why there is no answer
};

// One line that says why a program failed: the first of stderr, else of stdout. The loader's word on a library without
// versions comes before it on Fedora (libtinfo) and is not the reason.
std::string ComplaintOf(const ProbeAnswer& answer);

// Asks longer than this are a hung program; a loaded machine takes a second at most.
inline constexpr absl::Duration kProbeLimit = absl::Seconds(20);

// Runs a program with nothing but PATH and LC_ALL=C in its environment and nothing on its stdin. At the end, or after
// `limit`, its process group is killed: DEADLINE_EXCEEDED. NOT_FOUND when argv[0], a path, cannot be started.
absl::StatusOr<ProbeAnswer> AskProgram(const std::vector<std::string>& argv, std::string_view search_path,
                                       absl::Duration limit = kProbeLimit);

// The first executable file of this name in a PATH-like list.
std::optional<std::string> FindProgram(std::string_view name, std::string_view search_path);

// The folders of a PATH-like list that are absolute, in order.
std::vector<std::string> SearchFolders(std::string_view search_path);

// The first "12.3.4"-like number in a text; empty when there is none.
std::string FirstVersion(std::string_view text);

}  // namespace wasmagent::pipeline
