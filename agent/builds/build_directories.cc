#include "agent/builds/build_directories.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/str_split.h"
#include "platform/status.h"

namespace wasmagent::builds {
namespace {

using pipeline::PlannedTarget;

// One line a place, fields with tabs between them: the place, then name, key and origin of each target.
constexpr char kMark[] = "build-dirs";
constexpr char kSourceRoot[] = ".";

// True for a folder that is, or is below, another one.
bool IsWithin(const std::string& path, const std::string& folder) {
  return folder == kSourceRoot || path == folder || path.starts_with(folder + "/");
}

absl::StatusOr<bool> HoldsSources(const std::string& folder, const content::Digest& root,
                                  const content::DirectoryReader& read) {
  if (folder == kSourceRoot) return true;
  auto entry = content::FindInTree(root, read, folder);
  if (absl::IsNotFound(entry.status())) return false;
  RETURN_IF_ERROR(entry.status());
  return entry->kind == content::EntryKind::kDirectory && entry->digest.size > 0;
}

}  // namespace

absl::StatusOr<BuildDirectories> BuildDirectories::Open(workspace::Workspace& workspace, const pipeline::Plan& plan,
                                                        const content::Digest& root,
                                                        const content::DirectoryReader& read) {
  BuildDirectories directories(workspace, plan);
  directories.Load();
  std::set<std::string> among_sources;
  for (const auto& [place, tenants] : directories.table_) {
    ASSIGN_OR_RETURN(bool holds, HoldsSources(place, root, read));
    if (holds && place != kSourceRoot) directories.stray_ = true;
  }
  for (const PlannedTarget& target : plan.targets) {
    ASSIGN_OR_RETURN(bool holds, HoldsSources(target.build_directory, root, read));
    if (holds) among_sources.insert(target.build_directory);
  }
  directories.FindPlaces(among_sources);
  directories.FindHouseholds();
  return directories;
}

void BuildDirectories::Load() {
  const std::string text = workspace_.Mark(kMark);
  unknown_ = text.empty() && workspace_.warm();
  const std::vector<std::string> lines = absl::StrSplit(text, '\n', absl::SkipEmpty());
  for (const std::string& line : lines) {
    std::vector<std::string> fields = absl::StrSplit(line, '\t');
    std::string place;
    if (fields.size() % 3 != 1 || !absl::CUnescape(fields[0], &place)) {
      unknown_ = true;
      continue;
    }
    for (size_t i = 1; i < fields.size(); i += 3) {
      std::string name;
      unknown_ = unknown_ || !absl::CUnescape(fields[i], &name);
      table_[place].push_back({name, fields[i + 1], fields[i + 2]});
    }
  }
  before_ = table_;
}

absl::Status BuildDirectories::Save() const {
  std::string text;
  for (const auto& [place, tenants] : table_) {
    text += absl::CEscape(place);
    for (const Tenant& tenant : tenants)
      text += "\t" + absl::CEscape(tenant.name) + "\t" + tenant.key + "\t" + tenant.built;
    text += "\n";
  }
  return workspace_.SetMark(kMark, text);
}

void BuildDirectories::FindPlaces(const std::set<std::string>& among_sources) {
  for (const PlannedTarget& target : plan_.targets) {
    const std::string& directory = target.build_directory;
    places_[target.name] = among_sources.contains(directory) ? kSourceRoot : directory;
  }
}

// Targets of one place that are connected by needs, directly or through others, keep house together.
void BuildDirectories::FindHouseholds() {
  std::map<std::string, std::set<std::string>> needs;  // with the needs of needs
  std::map<std::string, size_t> label;
  for (size_t i = 0; i < plan_.targets.size(); ++i) {
    const PlannedTarget& target = plan_.targets[i];
    auto& all = needs[target.name];
    for (const std::string& need : target.needs) {
      all.insert(need);
      all.insert(needs[need].begin(), needs[need].end());
    }
    label[target.name] = i;
    for (size_t k = 0; k < i; ++k) {
      const PlannedTarget& other = plan_.targets[k];
      if (PlaceOf(other) != PlaceOf(target) || !all.contains(other.name)) continue;
      const size_t from = label[other.name];
      for (auto& [name, value] : label) {
        if (value == from) value = i;
      }
    }
  }
  for (const PlannedTarget& target : plan_.targets) {
    for (const PlannedTarget& other : plan_.targets) {
      if (label[other.name] == label[target.name]) households_[target.name].push_back(&other);
    }
  }
}

const BuildDirectories::Tenant* BuildDirectories::Find(const PlannedTarget& target) const {
  auto found = table_.find(PlaceOf(target));
  if (found == table_.end()) return nullptr;
  for (const Tenant& tenant : found->second) {
    if (tenant.name == target.name) return &tenant;
  }
  return nullptr;
}

BuildDirectories::Tenant& BuildDirectories::Own(const PlannedTarget& target) {
  auto& tenants = table_[PlaceOf(target)];
  for (Tenant& tenant : tenants) {
    if (tenant.name == target.name) return tenant;
  }
  return tenants.emplace_back(Tenant{target.name, "", ""});
}

// True when the target can go on with what is in its place: all of it was configured as this build would do it. Targets
// that this build knows nothing of may be there when its own are there already; then they were at home together before.
bool BuildDirectories::Fits(const PlannedTarget& target) const {
  const std::string& place = PlaceOf(target);
  auto found = table_.find(place);
  if (found == table_.end() || found->second.empty()) return false;
  // A later sync may have restored a link in its place, and a build may have put one there.
  if (place != kSourceRoot && !workspace_.HasFolder(place)) return false;
  const auto& household = households_.at(target.name);
  size_t known = 0;
  for (const Tenant& tenant : found->second) {
    if (tenant.key.empty()) return false;
    for (const PlannedTarget* member : household) {
      if (member->name != tenant.name) continue;
      if (member->configure_key != tenant.key) return false;
      ++known;
    }
  }
  return known == household.size() || known == found->second.size();
}

// True when nothing was ever built among the source files.
bool BuildDirectories::Untouched() const { return !unknown_ && !stray_ && !table_.contains(kSourceRoot); }

absl::Status BuildDirectories::Wipe(const std::string& place, const std::function<absl::Status()>& sync) {
  if (place == kSourceRoot) {
    table_.clear();
    empty_.clear();
    RETURN_IF_ERROR_CTX(workspace_.Reset(), "clean the workspace");
    RETURN_IF_ERROR(sync());
  } else {
    std::erase_if(table_, [&](const auto& entry) { return IsWithin(entry.first, place); });
    RETURN_IF_ERROR(Save());
    RETURN_IF_ERROR_CTX(workspace_.RemoveFolder(place), "clean the build dir");
  }
  empty_.insert(place);
  return absl::OkStatus();
}

absl::Status BuildDirectories::Prepare(bool clean, const std::function<absl::Status()>& sync) {
  clean_ = clean;
  std::map<std::string, const PlannedTarget*> first;  // of each place; the source root, then parents before children
  for (const PlannedTarget& target : plan_.targets) first.emplace(PlaceOf(target), &target);
  auto wipe = [&](const std::string& place, const PlannedTarget& target) -> absl::Status {
    if (!clean && Fits(target)) return absl::OkStatus();
    if (place != kSourceRoot || !Untouched()) return Wipe(place, sync);
    empty_.insert(place);
    return absl::OkStatus();
  };
  if (auto root = first.find(kSourceRoot); root != first.end()) RETURN_IF_ERROR(wipe(kSourceRoot, *root->second));
  for (const auto& [place, target] : first) {
    if (place != kSourceRoot) RETURN_IF_ERROR(wipe(place, *target));
  }
  return absl::OkStatus();
}

bool BuildDirectories::Built(const PlannedTarget& target, const std::string& from) const {
  const Tenant* own = Find(target);
  return own && own->key == target.configure_key && own->built == from && Fits(target);
}

std::string BuildDirectories::ReasonFor(const PlannedTarget& target) const {
  if (clean_) return "a clean build was asked for";
  auto found = before_.find(PlaceOf(target));
  if (found == before_.end()) return "the build dir is new";
  for (const Tenant& tenant : found->second) {
    if (tenant.name != target.name || tenant.key.empty()) continue;
    return tenant.key == target.configure_key ? "the build dir was removed, or another target has used it"
                                              : "inputs, arguments, environment or toolchain have changed";
  }
  return "the build dir is new";
}

absl::StatusOr<BuildDirectories::Found> BuildDirectories::Enter(const PlannedTarget& target,
                                                                const std::function<absl::Status()>& sync) {
  const std::string& place = PlaceOf(target);
  if (!Fits(target) && (table_.contains(place) || !empty_.contains(place))) RETURN_IF_ERROR(Wipe(place, sync));
  const Tenant* own = Find(target);
  if (own && own->key == target.configure_key) return Found{};
  Found found{ReasonFor(target), place != kSourceRoot && empty_.contains(place) && !table_.contains(place)};
  RETURN_IF_ERROR(workspace_.MakeFolder(target.build_directory, platform::InTheWay::kReplace));
  Own(target) = {target.name, "", ""};
  RETURN_IF_ERROR(Save());
  return found;
}

absl::Status BuildDirectories::SetConfigured(const PlannedTarget& target) {
  Own(target).key = target.configure_key;
  return Save();
}

absl::Status BuildDirectories::SetBuilt(const PlannedTarget& target, const std::string& from) {
  Tenant& own = Own(target);
  if (own.built == from) return absl::OkStatus();
  own.built = from;
  return Save();
}

}  // namespace wasmagent::builds
