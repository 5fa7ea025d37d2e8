// What `agent status` tells of an agent on this machine.
#pragma once

#include <string>

namespace wasmagent::client {

struct AgentState {
  bool running = false;
  std::string address;  // where it listens, or would
  std::string detail;   // one line: process, container, where its log is
};

}  // namespace wasmagent::client
