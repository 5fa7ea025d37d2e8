// Targets as written down: wasmbuild.yaml, and the built-in files below targets/, which have the same form.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/pipeline/plan.h"

namespace wasmagent::pipeline {

// The name of a project's own target file.
inline constexpr char kTargetFileName[] = "wasmbuild.yaml";

// The texts below may hold variables; the planner puts their values in. That they are known was checked when the file
// was read.

struct StepTemplate {
  std::string name;
  StepKind kind = StepKind::kRun;
  std::vector<std::string> argv;
  std::map<std::string, std::string> env;
  std::string directory;  // relative to the build dir
};

// The built-in action: nothing but the configure steps.
inline constexpr char kConfigureAction[] = "configure";

// Something to do with a target once it is built, its tests for example.
struct ActionTemplate {
  std::vector<StepTemplate> steps;
};

struct TargetTemplate {
  std::string name;
  std::string description;
  std::string support;    // "tier 1" to "tier 3", "working", "experimental", "broken"; empty: nothing is said
  std::string broken;     // why it is; empty for all others
  std::string toolchain;  // "wasi", "emscripten" or "native"
  std::vector<std::string> needs;
  std::string build_directory;             // relative to the source root, normal form
  std::map<std::string, std::string> let;  // its own variables; their texts hold none of them
  std::map<std::string, std::string> env;
  std::vector<StepTemplate> steps;
  std::map<std::string, ActionTemplate> actions;
  std::vector<std::string> inputs;
  std::vector<std::string> artifacts;
  std::optional<RunnerSpec> runner;  // program relative to the build dir, folders to the source root
  // Versions of the SDK, as platform/version_number.h compares them; empty: any.
  std::string minimum_sdk;
  std::string minimum_sdk_reason;                   // why; may be empty
  std::map<std::string, std::string> refused_sdks;  // version, or the beginning of one → why
  std::string sdk;                                  // the only one that will do, or its beginning
  std::string preferred_sdk;                        // taken before newer ones
};

// A whole file; every need and variable in it is known, and needs have no cycle.
struct TargetFile {
  std::vector<TargetTemplate> targets;  // as written
};

// Reads a target file. INVALID_ARGUMENT, "<file>:<line>:<column>: …" with what would be right, for the first mistake.
absl::StatusOr<TargetFile> ParseTargetFile(std::string_view text, std::string_view file_name);

// Orders the targets that `wanted` asks for and their needs, needs first. INVALID_ARGUMENT with the known names for one
// that is not there.
absl::StatusOr<std::vector<const TargetTemplate*>> OrderTargets(const TargetFile& file,
                                                                const std::vector<std::string>& wanted);

}  // namespace wasmagent::pipeline
