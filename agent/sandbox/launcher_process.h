// The launcher's own side of the conversation.
#pragma once

#include "platform/scoped_fd.h"

namespace wasmagent::sandbox {

// Serves launches from `agent` until its other end closes, then kills everything below and exits. Closes every other
// descriptor that it inherited. Called in a fresh single-threaded child only.
[[noreturn]] void RunLauncherProcess(platform::ScopedFd agent);

}  // namespace wasmagent::sandbox
