// What this machine has for building with wasmagent: the findings of `wasmctl doctor`.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "client/session/agent_locator.h"

namespace wasmagent::client {

// The answer to one question.
struct Finding {
  enum class Level {
    kGood,
    kMissing,  // not there, and not needed where something else is
    kWrong,    // there, and not to be used
  };
  Level level = Level::kGood;
  std::string subject;  // "git", "container engine"
  std::string found;    // where and which version, or what is wrong
  std::string remedy;   // the command or the package that mends it; may be empty
};

struct MachineReport {
  std::vector<Finding> findings;
  // True when `wasmctl submit` would find or start an agent here; the finding "agent" says which.
  bool has_agent = false;
};

// Looks at everything, starts and changes nothing: an agent that could be started is only told of. Costs the answers of
// some programs (engines, compilers), a second or so.
MachineReport CheckMachine(const LocatorInput& input);

// Reads what `wasmagent probe` printed. A text that cannot be read is a finding, too.
std::vector<Finding> FindingsOfProbe(std::string_view json);

}  // namespace wasmagent::client
