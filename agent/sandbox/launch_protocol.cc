#include "agent/sandbox/launch_protocol.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>

#include "fmt/format.h"
#include "platform/file.h"
#include "platform/status.h"

namespace wasmagent::sandbox {
namespace {

using platform::ErrnoStatus;
using platform::ScopedFd;

constexpr int kLaunchFdCount = 3;

struct Header {
  uint32_t argv_count;
  uint32_t env_count;
  uint64_t open_files;
  uint64_t file_bytes;
  uint64_t processes;
  uint32_t core_dumps;
  uint32_t unused;
};

absl::Status CheckCommand(const Command& command) {
  if (command.argv.empty() || command.argv[0].empty()) return absl::InvalidArgumentError("a command needs a program");
  if (command.directory.empty() || command.directory[0] != '/') {
    return absl::InvalidArgumentError(fmt::format("working directory \"{}\" is not absolute", command.directory));
  }
  if (command.directory.find('\0') != std::string::npos) {
    return absl::InvalidArgumentError("working directory has a NUL byte");
  }
  for (const std::string& argument : command.argv) {
    if (argument.find('\0') != std::string::npos) return absl::InvalidArgumentError("an argument has a NUL byte");
  }
  for (const auto& [name, value] : command.env) {
    if (name.empty() || name.find('=') != std::string::npos || name.find('\0') != std::string::npos ||
        value.find('\0') != std::string::npos) {
      return absl::InvalidArgumentError(
          fmt::format("environment variable \"{}\": no name, or '=' in it, or a NUL byte", name));
    }
  }
  return absl::OkStatus();
}

void AppendString(std::string& bytes, std::string_view text) {
  bytes.append(text);
  bytes.push_back('\0');
}

// Takes `count` NUL-ended strings off the bytes at `at`; false when there are not that many.
bool TakeStrings(std::vector<char>& bytes, size_t& at, size_t count, std::vector<char*>& strings) {
  for (size_t i = 0; i < count; ++i) {
    void* end = at < bytes.size() ? std::memchr(bytes.data() + at, '\0', bytes.size() - at) : nullptr;
    if (end == nullptr) return false;
    strings.push_back(bytes.data() + at);
    at = static_cast<size_t>(static_cast<char*>(end) - bytes.data()) + 1;
  }
  strings.push_back(nullptr);
  return true;
}

}  // namespace

absl::StatusOr<ScopedFd> EncodeCommand(const Command& command) {
  RETURN_IF_ERROR(CheckCommand(command));
  Header header = {};
  header.argv_count = static_cast<uint32_t>(command.argv.size());
  header.env_count = static_cast<uint32_t>(command.env.size());
  header.open_files = command.limits.open_files;
  header.file_bytes = command.limits.file_bytes;
  header.processes = command.limits.processes;
  header.core_dumps = command.limits.core_dumps ? 1 : 0;
  std::string bytes(reinterpret_cast<const char*>(&header), sizeof(header));
  AppendString(bytes, command.directory);
  for (const std::string& argument : command.argv) AppendString(bytes, argument);
  for (const auto& [name, value] : command.env) AppendString(bytes, name + "=" + value);

  ScopedFd fd(::memfd_create("command", MFD_CLOEXEC));
  if (!fd.valid()) return ErrnoStatus(errno, "memfd_create");
  RETURN_IF_ERROR_CTX(platform::WriteAll(fd.get(), bytes), "command");
  return fd;
}

absl::StatusOr<DecodedCommand> DecodeCommand(int fd) {
  if (::lseek(fd, 0, SEEK_SET) != 0) return ErrnoStatus(errno, "lseek");
  ASSIGN_OR_RETURN(std::string text, platform::ReadAll(fd));
  Header header;
  if (text.copy(reinterpret_cast<char*>(&header), sizeof(header)) < sizeof(header)) {
    return absl::InternalError("command is cut short");
  }
  DecodedCommand command;
  command.bytes.assign(text.begin() + sizeof(header), text.end());
  command.limits = {header.open_files, header.file_bytes, header.processes, header.core_dumps != 0};
  size_t at = 0;
  std::vector<char*> directory;
  if (!TakeStrings(command.bytes, at, 1, directory) ||
      !TakeStrings(command.bytes, at, header.argv_count, command.argv) ||
      !TakeStrings(command.bytes, at, header.env_count, command.env) || header.argv_count == 0) {
    return absl::InternalError("command is cut short");
  }
  command.directory = directory[0];
  return command;
}

absl::Status SendLaunch(int socket, const LaunchFds& fds) {
  char byte = 'L';
  iovec data = {&byte, 1};
  alignas(cmsghdr) char space[CMSG_SPACE(sizeof(int) * kLaunchFdCount)] = {};
  msghdr message = {};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = space;
  message.msg_controllen = sizeof(space);
  cmsghdr* control = CMSG_FIRSTHDR(&message);
  control->cmsg_level = SOL_SOCKET;
  control->cmsg_type = SCM_RIGHTS;
  control->cmsg_len = CMSG_LEN(sizeof(int) * kLaunchFdCount);
  const int numbers[kLaunchFdCount] = {fds.command.get(), fds.output.get(), fds.control.get()};
  std::memcpy(CMSG_DATA(control), numbers, sizeof(numbers));
  while (::sendmsg(socket, &message, MSG_NOSIGNAL) < 0) {
    if (errno == EINTR) continue;
    // ETOOMANYREFS: too many descriptors under way, the launcher being stuck.
    if (errno == EPIPE || errno == ECONNRESET || errno == ENOTCONN || errno == ETOOMANYREFS) {
      return absl::UnavailableError("the launcher process is gone; the agent must be restarted");
    }
    return ErrnoStatus(errno, "send to the launcher");
  }
  return absl::OkStatus();
}

absl::StatusOr<LaunchFds> ReceiveLaunch(int socket) {
  char byte = 0;
  iovec data = {&byte, 1};
  alignas(cmsghdr) char space[CMSG_SPACE(sizeof(int) * kLaunchFdCount)] = {};
  msghdr message = {};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = space;
  message.msg_controllen = sizeof(space);
  ssize_t got;
  do {
    got = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  } while (got < 0 && errno == EINTR);
  if (got == 0 || (got < 0 && errno == ECONNRESET)) return absl::CancelledError("the agent is gone");
  if (got < 0) return ErrnoStatus(errno, "receive from the agent");
  cmsghdr* control = CMSG_FIRSTHDR(&message);
  if (control == nullptr || control->cmsg_type != SCM_RIGHTS)
    return absl::InternalError("a launch without descriptors");
  size_t count = (control->cmsg_len - CMSG_LEN(0)) / sizeof(int);
  int numbers[kLaunchFdCount] = {-1, -1, -1};
  std::memcpy(numbers, CMSG_DATA(control), std::min<size_t>(count, kLaunchFdCount) * sizeof(int));
  LaunchFds fds{ScopedFd(numbers[0]), ScopedFd(numbers[1]), ScopedFd(numbers[2])};
  // Fewer arrive when this process has no descriptors left; those that came are closed by their owners.
  if (count != kLaunchFdCount) return absl::ResourceExhaustedError("descriptors were lost on the way");
  return fds;
}

bool SendPacket(int socket, const void* data, size_t size) {
  ssize_t sent;
  do {
    sent = ::send(socket, data, size, MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  return sent == static_cast<ssize_t>(size);
}

Receipt ReceivePacket(int socket, void* data, size_t size) {
  ssize_t got;
  do {
    got = ::recv(socket, data, size, MSG_DONTWAIT);
    // The kernel says ECONNRESET once, ahead of the packets that wait, when the other end closed with some of ours
    // unread: a stop that crossed with the last report.
  } while (got < 0 && (errno == EINTR || errno == ECONNRESET));
  if (got < 0 && errno == EAGAIN) return Receipt::kNothingYet;
  return got == static_cast<ssize_t>(size) ? Receipt::kPacket : Receipt::kEnd;
}

}  // namespace wasmagent::sandbox
