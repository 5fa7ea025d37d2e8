// Which targets a checkout has: its own target file, or the built-in ones for the kind of project that it is.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/pipeline/source_tree.h"
#include "agent/pipeline/target_file.h"

namespace wasmagent::pipeline {

struct Project {
  std::string source;  // "wasmbuild.yaml", "built in: CPython 3.11", "built in: CMake project"
  TargetFile file;
};

// Looks for wasmbuild.yaml, then for CPython, then for configure, CMakeLists.txt and Makefile. FAILED_PRECONDITION for
// a CPython that this agent has no targets for, naming those that it has, and for a tree with none of these files.
absl::StatusOr<Project> DetectProject(const SourceTree& source);

// Versions of CPython that there are built-in targets for, oldest first: "3.11", …
std::vector<std::string> KnownCPythonVersions();

}  // namespace wasmagent::pipeline
