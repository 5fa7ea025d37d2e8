#include "agent/sandbox/memory_events.h"

#include <optional>
#include <sstream>

#include "agent/sandbox/control_groups.h"
#include "platform/file.h"

namespace wasmagent::sandbox {
namespace {

// The number after "oom_kill " on a line of its own; all three files write it so.
std::optional<uint64_t> ReadOomKill(const std::string& path) {
  auto text = platform::ReadFile(path);
  if (!text.ok()) return std::nullopt;
  std::istringstream lines(*text);
  std::string name;
  uint64_t value = 0;
  while (lines >> name >> value) {
    if (name == "oom_kill") return value;
  }
  return std::nullopt;
}

}  // namespace

OomKillCounter OomKillCounter::Find(const std::string& root) {
  ControlGroup group = FindControlGroup("memory", root);
  if (!group.folders.empty()) {
    // v1 counts in the victim's group alone, v2 in those above too; the own group is right for both.
    std::string file = group.folders[0] + (group.version == 1 ? "/memory.oom_control" : "/memory.events");
    if (ReadOomKill(file).has_value()) return OomKillCounter(std::move(file));
  }
  std::string machine = root + "/proc/vmstat";
  if (ReadOomKill(machine).has_value()) return OomKillCounter(std::move(machine));
  return OomKillCounter("");
}

uint64_t OomKillCounter::Read() const { return file_.empty() ? 0 : ReadOomKill(file_).value_or(0); }

}  // namespace wasmagent::sandbox
