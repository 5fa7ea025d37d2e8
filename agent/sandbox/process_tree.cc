#include "agent/sandbox/process_tree.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <set>
#include <string>

#include "platform/directory.h"
#include "platform/file.h"

namespace wasmagent::sandbox {
namespace {

// Rounds of stopping before killing. A round catches what was forked since the one before; a tree that still grows
// after this many is killed as far as it is seen, and the caller comes back.
constexpr int kStopRounds = 8;

// A field of /proc/<pid>/stat counted from the state (0), which follows the last ')' — the name may hold anything.
std::string StatField(pid_t process, int index) {
  auto text = platform::ReadFile("/proc/" + std::to_string(process) + "/stat");
  if (!text.ok()) return "";
  size_t at = text->rfind(')');
  if (at == std::string::npos) return "";
  at += 2;
  for (; index > 0 && at < text->size(); --index) {
    size_t space = text->find(' ', at);
    if (space == std::string::npos) return "";
    at = space + 1;
  }
  return at < text->size() ? text->substr(at, text->find(' ', at) - at) : "";
}

// For kernels without CONFIG_PROC_CHILDREN: every process is asked for its parent.
std::vector<pid_t> ChildrenByParent(pid_t process) {
  std::vector<pid_t> children;
  auto entries = platform::ListDirectory("/proc");
  if (!entries.ok()) return children;
  for (const auto& entry : *entries) {
    pid_t candidate = static_cast<pid_t>(std::atoi(entry.name.c_str()));
    if (candidate > 0 && StatField(candidate, 1) == std::to_string(process)) children.push_back(candidate);
  }
  return children;
}

bool KernelListsChildren() {
  static const bool lists =
      ::access(("/proc/self/task/" + std::to_string(::getpid()) + "/children").c_str(), R_OK) == 0;
  return lists;
}

void AppendNumbers(const std::string& text, std::vector<pid_t>& numbers) {
  const char* at = text.c_str();
  char* end = nullptr;
  for (long number = std::strtol(at, &end, 10); end != at; number = std::strtol(at, &end, 10)) {
    numbers.push_back(static_cast<pid_t>(number));
    at = end;
  }
}

}  // namespace

std::vector<pid_t> ChildrenOf(pid_t process) {
  if (!KernelListsChildren()) return ChildrenByParent(process);
  std::vector<pid_t> children;
  const std::string tasks = "/proc/" + std::to_string(process) + "/task";
  auto threads = platform::ListDirectory(tasks);
  if (!threads.ok()) return children;
  for (const auto& thread : *threads) {
    auto text = platform::ReadFile(tasks + "/" + thread.name + "/children");
    if (text.ok()) AppendNumbers(*text, children);
  }
  return children;
}

std::vector<pid_t> DescendantsOf(pid_t process) {
  std::vector<pid_t> all = ChildrenOf(process);
  // A process that is reparented between two reads may turn up twice.
  std::set<pid_t> seen(all.begin(), all.end());
  for (size_t i = 0; i < all.size(); ++i) {
    for (pid_t child : ChildrenOf(all[i])) {
      if (seen.insert(child).second) all.push_back(child);
    }
  }
  return all;
}

size_t CountRunning(const std::vector<pid_t>& processes) {
  return static_cast<size_t>(std::count_if(processes.begin(), processes.end(), [](pid_t process) {
    std::string state = StatField(process, 0);
    return !state.empty() && state != "Z" && state != "X";
  }));
}

void Terminate(const std::vector<pid_t>& processes) {
  for (pid_t process : processes) {
    ::kill(process, SIGTERM);
    ::kill(process, SIGCONT);
  }
}

void KillBelow(const std::vector<pid_t>& roots) {
  std::set<pid_t> stopped;
  for (int round = 0; round < kStopRounds; ++round) {
    size_t before = stopped.size();
    for (pid_t root : roots) {
      if (stopped.insert(root).second) ::kill(root, SIGSTOP);
      for (pid_t process : DescendantsOf(root)) {
        if (stopped.insert(process).second) ::kill(process, SIGSTOP);
      }
    }
    if (stopped.size() == before) break;
  }
  for (pid_t process : stopped) ::kill(process, SIGKILL);
}

}  // namespace wasmagent::sandbox
