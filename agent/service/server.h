// The gRPC server: addresses, limits, health, reflection, and the services that it is given.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "grpcpp/grpcpp.h"

namespace wasmagent::service {

// OK when `address` ("unix:/path", "127.0.0.1:7890", "[::1]:0", "localhost:7890") reaches this
// machine only, or when `insecure` allows others. INVALID_ARGUMENT for what is not an address, PERMISSION_DENIED with
// the remedy for one beyond the machine.
absl::Status CheckListenAddress(const std::string& address, bool insecure);

// When a client last did something, and how many calls are open now. Thread-safe; counted for every call of every
// service.
struct Activity {
  std::atomic<int64_t> last_unix_seconds = 0;
  std::atomic<int64_t> open_calls = 0;
};

// A running server. Stops when destroyed: open streams are cancelled, unary calls finish.
class Server {
 public:
  // Listens on all addresses or on none. A socket file that nobody answers on is replaced; UNAVAILABLE when somebody
  // does. The services and `activity` outlive the server.
  static absl::StatusOr<std::unique_ptr<Server>> Start(const std::vector<std::string>& addresses, bool insecure,
                                                       const std::vector<grpc::Service*>& services, Activity& activity);
  ~Server();
  // The addresses with the ports that were chosen where 0 was asked for.
  const std::vector<std::string>& addresses() const { return addresses_; }

 private:
  Server() = default;
  std::unique_ptr<grpc::Server> server_;
  std::vector<std::string> addresses_;
  std::vector<std::string> socket_files_;
};

}  // namespace wasmagent::service
