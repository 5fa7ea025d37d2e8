// What the build dirs of a workspace hold, and whether a build can go on with it.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "agent/pipeline/plan.h"
#include "agent/workspace/workspace_pool.h"
#include "content/tree.h"

namespace wasmagent::builds {

// The build dirs of one build. What they hold is remembered in the workspace: which targets were configured there, with
// which key, and what they were built from. A build dir that holds anything else is wiped before it is used. Targets of
// which one needs the other may share a build dir, others may not: the second starts from an empty one.
//
// A build dir with source files in it, the source root above all, cannot be wiped alone. Such dirs are one place;
// wiping it empties the workspace, the other build dirs too.
class BuildDirectories {
 public:
  // Learns what is there. Borrows the workspace, which was brought to the tree `root`, and the plan.
  static absl::StatusOr<BuildDirectories> Open(workspace::Workspace& workspace, const pipeline::Plan& plan,
                                               const content::Digest& root, const content::DirectoryReader& read);

  // Wipes what the plan cannot go on with, everything with `clean`. To be called before the first target, since
  // wiping one build dir may take another one with it. `sync` is called when source files went.
  absl::Status Prepare(bool clean, const std::function<absl::Status()>& sync);

  // True when the target's products were made from this and are there.
  bool Built(const pipeline::PlannedTarget& target, const std::string& from) const;

  // What a target finds.
  struct Found {
    std::string reason;  // why it starts over, so that configure must run; empty when it goes on
    bool empty = false;  // nobody was here before
  };
  // Leaves the build dir as the target's steps may find it.
  absl::StatusOr<Found> Enter(const pipeline::PlannedTarget& target, const std::function<absl::Status()>& sync);
  // Remembers that the target is configured in its build dir, whatever becomes of make.
  absl::Status SetConfigured(const pipeline::PlannedTarget& target);
  // Remembers what the target was built from; empty while it is being built.
  absl::Status SetBuilt(const pipeline::PlannedTarget& target, const std::string& from);

  // True when source files lie in the target's build dir.
  bool AmongSources(const pipeline::PlannedTarget& target) const { return PlaceOf(target) == "."; }

 private:
  // A target in a build dir.
  struct Tenant {
    std::string name;
    std::string key;    // empty while it is being configured
    std::string built;  // empty while it is being built
  };
  using Table = std::map<std::string, std::vector<Tenant>>;  // by place

  BuildDirectories(workspace::Workspace& workspace, const pipeline::Plan& plan) : workspace_(workspace), plan_(plan) {}
  void Load();
  absl::Status Save() const;
  void FindPlaces(const std::set<std::string>& among_sources);
  void FindHouseholds();
  const std::string& PlaceOf(const pipeline::PlannedTarget& target) const { return places_.at(target.name); }
  const Tenant* Find(const pipeline::PlannedTarget& target) const;
  Tenant& Own(const pipeline::PlannedTarget& target);
  bool Fits(const pipeline::PlannedTarget& target) const;
  bool Untouched() const;
  absl::Status Wipe(const std::string& place, const std::function<absl::Status()>& sync);
  std::string ReasonFor(const pipeline::PlannedTarget& target) const;

  workspace::Workspace& workspace_;
  const pipeline::Plan& plan_;
  Table table_;
  Table before_;          // as it was found
  bool unknown_ = false;  // the workspace was used, and nothing is remembered of it
  bool stray_ = false;    // a build dir of its own that was remembered has source files in it now
  bool clean_ = false;
  std::map<std::string, std::string> places_;                                      // by target
  std::map<std::string, std::vector<const pipeline::PlannedTarget*>> households_;  // by target: who may share its place
  std::set<std::string> empty_;                                                    // places that this build has wiped
};

}  // namespace wasmagent::builds
