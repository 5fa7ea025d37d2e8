// What agent, launcher and supervisors say to each other: all three are the same binary, so plain structs over
// SOCK_SEQPACKET do, one message a packet.
//
//   agent → launcher     one byte and three descriptors (LaunchFds), one packet for each command
//   supervisor → agent   Report packets over the command's own control socket
//   agent → supervisor   StopRequest packets over the same socket; its end closing means: kill everything at once
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "agent/sandbox/command.h"
#include "platform/scoped_fd.h"

namespace wasmagent::sandbox {

// The descriptors that go with a launch.
struct LaunchFds {
  platform::ScopedFd command;  // a file in memory: the encoded command (environments outgrow a packet)
  platform::ScopedFd output;   // write end of the pipe for stdout and stderr
  platform::ScopedFd control;  // the supervisor's end of the command's control socket
};

// Asks a supervisor to end its command: TERM now, KILL after the grace.
struct StopRequest {
  int64_t grace_ms;
};

enum class ReportKind : uint32_t {
  kStarted,         // the leader runs the program
  kNotStarted,      // it could not: `stage` and `error` say why; the last report
  kLeaderEnded,     // `wait_status`, `wall_ns`
  kTreeEmpty,       // no process is left; `cpu_us`, `peak_bytes`, `strays`; the last report
  kLauncherLost,    // kTreeEmpty, but the tree was killed because the launcher had died
  kSupervisorLost,  // from the launcher: the supervisor died, and what was below it has been killed; the last report
  kNoSupervisor,    // from the launcher: it could not fork (`error`); the last report
};

// Where starting a program failed.
enum class StartStage : uint32_t { kNone, kDecode, kFork, kStdin, kLimits, kDirectory, kExec, kInterpreter };

// News of a command.
struct Report {
  ReportKind kind;
  StartStage stage;
  int32_t error;
  int32_t wait_status;
  int64_t wall_ns;
  int64_t cpu_us;
  uint64_t peak_bytes;
  uint64_t strays;
};

// A command as exec wants it. Owns the bytes that the pointers point into; moving keeps them valid.
struct DecodedCommand {
  std::vector<char> bytes;
  const char* directory = nullptr;
  std::vector<char*> argv;  // ends with a null
  std::vector<char*> env;   // ends with a null
  ResourceLimits limits;
};

// Writes a command into a file in memory. INVALID_ARGUMENT when it cannot be carried (no argv, a NUL byte, a relative
// directory, an environment name that is empty or has '=').
absl::StatusOr<platform::ScopedFd> EncodeCommand(const Command& command);

// Reads it back. Data loss is INTERNAL.
absl::StatusOr<DecodedCommand> DecodeCommand(int fd);

// Sends the three descriptors. UNAVAILABLE when the launcher is gone.
absl::Status SendLaunch(int socket, const LaunchFds& fds);

// Receives them; CANCELLED at the end of the conversation.
absl::StatusOr<LaunchFds> ReceiveLaunch(int socket);

// Sends one fixed struct as a packet, never with SIGPIPE; false when the other end is gone.
bool SendPacket(int socket, const void* data, size_t size);

enum class Receipt { kPacket, kNothingYet, kEnd };

// Receives one such packet without waiting. What the other end sent before it closed still arrives; a packet of another
// size is the end too.
Receipt ReceivePacket(int socket, void* data, size_t size);

}  // namespace wasmagent::sandbox
