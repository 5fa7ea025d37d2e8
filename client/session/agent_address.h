// Where an agent is.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace wasmagent::client {

// An agent's address and how it was come by.
struct AgentAddress {
  std::string address;         // "unix:/path/agent.sock" or "host:port"
  std::string description;     // one line for people: "unix:/run/…/agent.sock (from WASMCTL_AGENT)"
  std::string bind_root_hint;  // folder that this agent is known to read by itself; empty when that is not known
};

// OK for "unix:/absolute/path", "unix-abstract:name" and "host:port"; INVALID_ARGUMENT, saying what is wrong,
// otherwise.
absl::Status CheckAddress(std::string_view address);

// A socket's path must fit sockaddr_un: 107 bytes on Linux.
inline constexpr size_t kLongestSocketPath = 107;

// OK when something accepts connections on the Unix socket at `path`: NOT_FOUND when there is no such file, UNAVAILABLE
// when nobody listens. Costs one connect().
absl::Status ProbeSocket(const std::string& path);

// The process that listens on the Unix socket at `path`. Errors as ProbeSocket.
absl::StatusOr<int> ListenerPid(const std::string& path);

}  // namespace wasmagent::client
