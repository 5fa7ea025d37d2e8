// From a request and a source tree to a plan.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/pipeline/plan.h"
#include "agent/pipeline/source_tree.h"
#include "agent/pipeline/toolchain.h"

namespace wasmagent::pipeline {

// What a request says of the targets that it asks for. What these need is planned without it, as the target file says:
// what one tells the compiler of a cross build would break the interpreter that it needs, or have it built anew for
// everyone.
struct TargetOptions {
  std::map<std::string, std::string> env;
  std::vector<std::string> configure_args;
  std::vector<std::string> make_args;
  std::string action;  // empty: they are built, and no more
  std::vector<std::string> action_args;
};

// What the user may choose for a build; wasmagent.v1.BuildOptions without the wire.
struct PlanOptions {
  int jobs = 1;
  bool force = false;  // build targets that are known to be broken, too
  TargetOptions asked;
};

// A target of a checkout, for `wasmctl targets`.
struct TargetSummary {
  std::string name;
  std::string description;
  std::string support;
  std::string toolchain_kind;
  std::vector<std::string> needs;
  std::vector<std::string> actions;
  bool buildable = false;
  std::string problem;
};

struct TargetList {
  std::vector<TargetSummary> targets;
  std::string source;
};

// Makes plans. Immutable after construction; thread-safe. Borrows the inventory.
class Planner {
 public:
  // `base_env` is what every step gets (PATH, HOME, TMPDIR, CCACHE_DIR, TZ, LC_ALL …) before the target's and the
  // request's own.
  Planner(const ToolchainInventory& inventory, std::map<std::string, std::string> base_env);

  absl::StatusOr<TargetList> List(const SourceTree& source) const;
  // `targets` are names and patterns; see SelectTargets. INVALID_ARGUMENT with file, line and column for a mistake in
  // wasmbuild.yaml; with the known names for an unknown target. FAILED_PRECONDITION, with what mends it, when a
  // toolchain is missing or must not be used, and for a target that is known to be broken.
  absl::StatusOr<Plan> MakePlan(const SourceTree& source, const std::vector<std::string>& targets,
                                const PlanOptions& options) const;

 private:
  const ToolchainInventory& inventory_;
  std::map<std::string, std::string> base_env_;
};

}  // namespace wasmagent::pipeline
