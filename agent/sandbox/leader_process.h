// The first process of a command, between fork and exec.
#pragma once

#include "agent/sandbox/launch_protocol.h"

namespace wasmagent::sandbox {

// What a leader that could not exec leaves in its status pipe.
struct StartFailure {
  StartStage stage;
  int32_t error;
};

// Becomes the command: own session, stdin /dev/null, stdout and stderr `output`, no other descriptor, default signal
// handlers, nothing blocked, umask 022, limits, working directory; then exec. On failure writes a StartFailure to
// `status_pipe` and exits. Called in a fresh child only.
[[noreturn]] void BecomeCommand(const DecodedCommand& command, int output, int status_pipe);

// Marks all descriptors from `first` on close-on-exec, whatever the kernel offers for it.
void CloseOnExecFrom(int first);

}  // namespace wasmagent::sandbox
