// All processes below one process, by way of /proc.
#pragma once

#include <sys/types.h>

#include <vector>

namespace wasmagent::sandbox {

// Children of a process, zombies among them. Empty when it is gone.
std::vector<pid_t> ChildrenOf(pid_t process);

// All descendants of a process, parents before children. While processes come and go the answer is a snapshot with
// holes: whoever needs all of them asks again until none is left. Costs a few file reads for each process.
std::vector<pid_t> DescendantsOf(pid_t process);

// How many of these still run (zombies do not).
size_t CountRunning(const std::vector<pid_t>& processes);

// Sends TERM to these, and CONT so that a stopped one can act on it.
void Terminate(const std::vector<pid_t>& processes);

// Stops every process below `roots` (themselves included) until no new one turns up, so that none can fork away, then
// kills them all. One round; the caller reaps and calls again until nothing is left.
void KillBelow(const std::vector<pid_t>& roots);

}  // namespace wasmagent::sandbox
