// Where an agent is.
#pragma once

#include <sys/types.h>

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

// OK for "unix:/absolute/path" and "host:port"; INVALID_ARGUMENT, saying what is wrong, otherwise.
absl::Status CheckAddress(std::string_view address);

// A socket's path must fit sockaddr_un: 107 bytes on Linux.
inline constexpr size_t kLongestSocketPath = 107;

// OK when somebody who may be trusted accepts connections on the Unix socket at `path`: NOT_FOUND when there is no such
// file, UNAVAILABLE when nobody listens, otherwise as CheckListener. Costs one connect(). For sockets that were found:
// an address that somebody gave is taken as it is.
absl::Status ProbeSocket(const std::string& path);

// An agent gets the sources and its products are run: one that was found must be the caller's own or root's.
// PERMISSION_DENIED for any other user's.
absl::Status CheckListener(const std::string& path, uid_t listener, uid_t caller);

// The process that listens on the Unix socket at `path`. Errors as ProbeSocket.
absl::StatusOr<int> ListenerPid(const std::string& path);

}  // namespace wasmagent::client
