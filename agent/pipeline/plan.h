// What a build will run, worked out before anything runs. Plain values; made by Planner, carried out by builds.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace wasmagent::pipeline {

// Path, in argv and environment, that stands for the workspace's source root until a step is run. A plan does not know
// where its workspace will be; `wasmctl plan` shows it as "$SRC".
inline constexpr char kSourceRootMark[] = "\x01SRC\x01";
// The workspace's folder for temporary files, beside the source root: new for each build.
inline constexpr char kTemporaryFolder[] = "\x01SRC\x01/../tmp";

// A symbolic link that the agent lays before the steps, for tools that want a folder of their own with parts in it that
// all builds share.
struct TemporaryLink {
  std::string path;    // below the folder for temporary files
  std::string target;  // absolute
};

// What a step is for; decides which request options are appended to its argv and when it may be skipped.
enum class StepKind {
  kConfigure,  // gets --configure-arg; skipped while its key is unchanged and its build dir was configured
  kMake,       // gets --make-arg; always run
  kRun,        // anything else; always run
};

struct Step {
  std::string name;
  StepKind kind = StepKind::kRun;
  std::vector<std::string> argv;
  std::map<std::string, std::string> env;  // the whole environment
  std::string directory;                   // relative to the source root
};

// How the product is run; see wasmagent.v1.Runner.
struct RunnerSpec {
  std::string runtime;
  std::string program;
  std::map<std::string, std::string> env;
  std::map<std::string, std::string> directories;
  std::vector<std::string> flags = {};  // of node, each given where node takes it
};

struct PlannedTarget {
  std::string name;
  bool asked_for = true;  // false when it is built for another's sake alone
  int jobs = 1;           // parallel jobs, its share of the build's; in its argv already
  std::string toolchain_kind;
  std::string toolchain_fingerprint;
  std::string build_directory;  // relative to the source root; "." for a build in the tree
  std::vector<Step> steps;
  std::vector<TemporaryLink> links;    // for the tools of its steps
  std::vector<std::string> artifacts;  // globs relative to the build dir; needs may have none
  std::optional<RunnerSpec> runner;
  std::string report;  // where the action's steps leave a test report, with kSourceRootMark; empty when they make none
  // Hex digest of everything that decides how the build dir is configured: configure inputs, argv and environment of
  // configure steps, toolchain fingerprint. A warm build dir with another key is wiped first.
  std::string configure_key;
  std::vector<std::string> inputs;   // globs that went into configure_key
  std::vector<std::string> needs;    // targets whose products this one uses; they come before it in the plan
  std::vector<std::string> remarks;  // e.g. which SDK was chosen and why
  std::string sdk_choice;            // that one of the remarks, where the agent has several SDKs of the kind
};

struct Plan {
  std::vector<PlannedTarget> targets;  // needs first
  std::vector<std::string> remarks;    // on the whole, e.g. which targets a pattern left out and why
};

}  // namespace wasmagent::pipeline
