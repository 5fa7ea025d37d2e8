// The process above one command.
#pragma once

#include "agent/sandbox/launch_protocol.h"

namespace wasmagent::sandbox {

// Runs a command to the end of its tree, reporting over `fds.control`. It is the subreaper of everything the command
// starts, so that also daemons stay below it; it ends the tree on a StopRequest, when the leader has exited, when the
// agent's end of the socket closes, and when `launcher_alive` (a pipe whose only writer is the launcher) reaches its
// end. Called in a fresh single-threaded child only. Costs a fork's page tables and a few dirty pages.
[[noreturn]] void RunSupervisor(LaunchFds fds, platform::ScopedFd launcher_alive);

}  // namespace wasmagent::sandbox
