#include "agent/service/server.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

#include "fmt/format.h"
#include "grpcpp/ext/proto_server_reflection_plugin.h"
#include "grpcpp/health_check_service_interface.h"
#include "grpcpp/support/server_interceptor.h"
#include "platform/scoped_fd.h"
#include "platform/status.h"

namespace wasmagent::service {
namespace {

// Largest message that is taken: a batch is announced with 4 MiB, other clients of the Remote Execution API send up
// to 16.
constexpr int kLargestMessage = 16 << 20;
// Clients may ask "still there?" this often, also while they only wait; a dead peer shows within a minute.
constexpr int kShortestPingMillis = 5000;
constexpr int kKeepaliveMillis = 30000;
constexpr int kKeepaliveTimeoutMillis = 20000;
// Open calls get this long to end when the server stops.
constexpr absl::Duration kStopGrace = absl::Seconds(2);

constexpr std::string_view kUnix = "unix:";
constexpr std::string_view kAbstract = "unix-abstract:";

// 127.0.0.0/8, ::1 and the name that every system has for them. A name that only begins like an address is looked up,
// and may be anybody's.
bool IsLoopback(const std::string& host) {
  in_addr four;
  if (::inet_pton(AF_INET, host.c_str(), &four) == 1) return (ntohl(four.s_addr) >> 24) == 127;
  return host == "localhost" || host == "::1";
}

// The host of "host:port" and "[host]:port"; empty when it is neither.
std::string HostOf(std::string_view address) {
  size_t colon = address.rfind(':');
  if (colon == std::string_view::npos || colon + 1 == address.size()) return "";
  if (address.substr(colon + 1).find_first_not_of("0123456789") != std::string_view::npos) return "";
  std::string_view host = address.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return std::string(host);
}

// Removes a socket file that an agent left behind. UNAVAILABLE when one still answers.
absl::Status ClearSocketFile(const std::string& path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) {
    return absl::InvalidArgumentError(fmt::format("{}: a socket's path has at most {} bytes; choose a shorter folder",
                                                  path, sizeof(address.sun_path) - 1));
  }
  struct stat info;
  if (::lstat(path.c_str(), &info) != 0) return absl::OkStatus();
  if (!S_ISSOCK(info.st_mode))
    return absl::AlreadyExistsError(fmt::format("{}: there is a file that is no socket", path));
  std::memcpy(address.sun_path, path.data(), path.size());
  platform::ScopedFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) {
    return absl::UnavailableError(fmt::format("{}: another agent answers there", path));
  }
  if (::unlink(path.c_str()) != 0) return platform::ErrnoStatus(errno, path);
  return absl::OkStatus();
}

// Where identity will come in: every listening port gets its credentials here.
std::shared_ptr<grpc::ServerCredentials> CredentialsFor(const std::string&) {
  return grpc::InsecureServerCredentials();
}

class ActivityInterceptor : public grpc::experimental::Interceptor {
 public:
  explicit ActivityInterceptor(Activity& activity) : activity_(activity) {
    activity_.open_calls.fetch_add(1);
    Touch();
  }
  ~ActivityInterceptor() override {
    Touch();
    activity_.open_calls.fetch_sub(1);
  }
  void Intercept(grpc::experimental::InterceptorBatchMethods* methods) override { methods->Proceed(); }

 private:
  void Touch() { activity_.last_unix_seconds = absl::ToUnixSeconds(absl::Now()); }
  Activity& activity_;
};

class ActivityInterceptorFactory : public grpc::experimental::ServerInterceptorFactoryInterface {
 public:
  explicit ActivityInterceptorFactory(Activity& activity) : activity_(activity) {}
  grpc::experimental::Interceptor* CreateServerInterceptor(grpc::experimental::ServerRpcInfo*) override {
    return new ActivityInterceptor(activity_);
  }

 private:
  Activity& activity_;
};

}  // namespace

absl::Status CheckListenAddress(const std::string& address, bool insecure) {
  if (address.starts_with(kAbstract)) {
    return absl::InvalidArgumentError(
        fmt::format("'{}': an abstract socket is every user's of this machine; write unix:/path/to/socket", address));
  }
  if (address.starts_with(kUnix)) {
    if (address.size() > kUnix.size()) return absl::OkStatus();
    return absl::InvalidArgumentError(fmt::format("'{}' names no socket", address));
  }
  std::string host = HostOf(address);
  if (host.empty()) {
    return absl::InvalidArgumentError(
        fmt::format("'{}' is no address: write unix:/path/to/socket or 127.0.0.1:7890", address));
  }
  if (IsLoopback(host) || insecure) return absl::OkStatus();
  return absl::PermissionDeniedError(
      fmt::format("'{}' can be reached from other machines, and whoever reaches the agent can run programs on it; use "
                  "a Unix socket or "
                  "127.0.0.1, or say --insecure-listen if the network is yours alone",
                  address));
}

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const std::vector<std::string>& addresses, bool insecure,
                                                      const std::vector<grpc::Service*>& services, Activity& activity) {
  std::unique_ptr<Server> server(new Server);
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::ServerBuilder builder;
  builder.SetMaxReceiveMessageSize(kLargestMessage);
  builder.SetMaxSendMessageSize(kLargestMessage);
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMillis);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMillis);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, kShortestPingMillis);
  std::vector<int> ports(addresses.size(), 0);
  for (size_t i = 0; i < addresses.size(); ++i) {
    RETURN_IF_ERROR(CheckListenAddress(addresses[i], insecure));
    if (addresses[i].starts_with(kUnix)) {
      std::string path = addresses[i].substr(kUnix.size());
      RETURN_IF_ERROR(ClearSocketFile(path));
      server->socket_files_.push_back(path);
    }
    builder.AddListeningPort(addresses[i], CredentialsFor(addresses[i]), &ports[i]);
  }
  for (grpc::Service* service : services) builder.RegisterService(service);
  std::vector<std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>> interceptors;
  interceptors.push_back(std::make_unique<ActivityInterceptorFactory>(activity));
  builder.experimental().SetInterceptorCreators(std::move(interceptors));
  // Only the agent's user may connect to its sockets: who connects can run programs as that user.
  mode_t mask = ::umask(0077);
  server->server_ = builder.BuildAndStart();
  ::umask(mask);
  if (!server->server_) {
    return absl::UnavailableError(fmt::format(
        "cannot listen on {}: the address is taken, or its folder cannot be written", fmt::join(addresses, ", ")));
  }
  for (size_t i = 0; i < addresses.size(); ++i) {
    std::string address = addresses[i];
    if (!address.starts_with("unix")) {
      if (ports[i] == 0) return absl::UnavailableError(fmt::format("cannot listen on {}: the port is taken", address));
      address = fmt::format("{}:{}", address.substr(0, address.rfind(':')), ports[i]);
    }
    server->addresses_.push_back(address);
  }
  return server;
}

Server::~Server() {
  if (server_) server_->Shutdown(absl::ToChronoTime(absl::Now() + kStopGrace));
  for (const std::string& path : socket_files_) ::unlink(path.c_str());
}

}  // namespace wasmagent::service
