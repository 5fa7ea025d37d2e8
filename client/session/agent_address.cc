#include "client/session/agent_address.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "fmt/format.h"
#include "platform/scoped_fd.h"
#include "platform/status.h"

namespace wasmagent::client {
namespace {

constexpr std::string_view kUnix = "unix:";
constexpr char kHowToWrite[] = "write unix:/path/to/agent.sock or host:port";

absl::Status CheckHostAndPort(std::string_view address) {
  size_t colon = address.rfind(':');
  absl::Status wrong = absl::InvalidArgumentError(fmt::format("'{}' is no agent's address: {}", address, kHowToWrite));
  if (colon == std::string_view::npos || colon == 0) return wrong;
  std::string_view host = address.substr(0, colon), port = address.substr(colon + 1);
  bool bracketed = host.starts_with('[') && host.ends_with(']');
  if (!bracketed && host.find(':') != std::string_view::npos) return wrong;
  if (host.find_first_of("/ \t") != std::string_view::npos) return wrong;
  if (port.empty() || port.size() > 5 || port.find_first_not_of("0123456789") != std::string_view::npos) return wrong;
  int number = std::stoi(std::string(port));
  if (number < 1 || number > 65535) return wrong;
  return absl::OkStatus();
}

absl::StatusOr<platform::ScopedFd> Connect(const std::string& path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path.size() > kLongestSocketPath) {
    return absl::InvalidArgumentError(
        fmt::format("{}: a socket's path has at most {} bytes", path, kLongestSocketPath));
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  platform::ScopedFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.valid()) return platform::ErrnoStatus(errno, "socket");
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) return fd;
  // A full backlog: somebody listens and is busy.
  if (errno == EAGAIN || errno == EINPROGRESS) return fd;
  if (errno == ECONNREFUSED) return absl::UnavailableError(fmt::format("{}: nobody listens there any more", path));
  return platform::ErrnoStatus(errno, path);
}

}  // namespace

absl::Status CheckAddress(std::string_view address) {
  if (!address.starts_with(kUnix)) return CheckHostAndPort(address);
  std::string_view path = address.substr(kUnix.size());
  if (!path.starts_with('/')) {
    return absl::InvalidArgumentError(fmt::format("'{}' needs an absolute path: {}", address, kHowToWrite));
  }
  if (path.size() <= kLongestSocketPath) return absl::OkStatus();
  return absl::InvalidArgumentError(fmt::format("{}: a socket's path has at most {} bytes", path, kLongestSocketPath));
}

absl::Status ProbeSocket(const std::string& path) {
  ASSIGN_OR_RETURN(platform::ScopedFd fd, Connect(path));
#ifdef SO_PEERCRED
  ucred peer = {};
  socklen_t size = sizeof(peer);
  if (::getsockopt(fd.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return platform::ErrnoStatus(errno, path);
  return CheckListener(path, peer.uid, ::geteuid());
#else
  return absl::OkStatus();
#endif
}

absl::Status CheckListener(const std::string& path, uid_t listener, uid_t caller) {
  if (listener == caller || listener == 0) return absl::OkStatus();
  return absl::PermissionDeniedError(fmt::format(
      "{}: user {} listens there, who would get the sources; name it with --agent if that is meant", path, listener));
}

absl::StatusOr<int> ListenerPid(const std::string& path) {
  ASSIGN_OR_RETURN(platform::ScopedFd fd, Connect(path));
#ifdef SO_PEERCRED
  // For the side that connected, the kernel tells who called listen().
  ucred peer = {};
  socklen_t size = sizeof(peer);
  if (::getsockopt(fd.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return platform::ErrnoStatus(errno, path);
  if (peer.pid > 0) return static_cast<int>(peer.pid);
  return absl::NotFoundError(fmt::format("{}: its process is not of this machine's, or of another container", path));
#else
  return absl::UnimplementedError("this system does not tell who listens on a socket");
#endif
}

}  // namespace wasmagent::client
