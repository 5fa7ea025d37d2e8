// A web server for one folder of static files, with what WebAssembly programs need of one.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "absl/status/statusor.h"
#include "absl/synchronization/notification.h"
#include "client/hosting/static_files.h"

// cpp-httplib's header is large, and nobody else needs it.
namespace httplib {
class Server;
struct Request;
struct Response;
}  // namespace httplib

namespace wasmagent::client {

// One answered request, for a log.
struct Access {
  std::string method;
  std::string target;  // as it was sent
  int status = 0;
  uint64_t bytes = 0;  // of content
};

struct SiteOptions {
  std::string address = "127.0.0.1";
  int port = 0;  // 0 for any free one
  // Called from the server's threads, several at a time.
  std::function<void(const Access&)> log;
};

// Serves until it is destroyed. Every answer isolates its page from other origins, without which browsers have no
// SharedArrayBuffer, and is checked for freshness each time it is used, so that a page is never older than its build.
// Files are sent in pieces: a connection costs a thread and a piece, however large the file.
class SiteServer {
 public:
  // FAILED_PRECONDITION, with what to do about it, when the port is taken.
  static absl::StatusOr<std::unique_ptr<SiteServer>> Start(const std::string& root, SiteOptions options);
  // Waits for requests that are being answered, and for connections that are open, up to some seconds.
  ~SiteServer();

  int port() const { return port_; }

 private:
  SiteServer(StaticFiles files, SiteOptions options);
  void Configure();
  absl::Status Listen();
  void Answer(const httplib::Request& request, httplib::Response& response) const;
  absl::Status AnswerPath(const httplib::Request& request, httplib::Response& response) const;

  StaticFiles files_;
  SiteOptions options_;
  int port_ = 0;
  std::unique_ptr<httplib::Server> server_;
  absl::Notification listening_;
  std::thread thread_;
};

}  // namespace wasmagent::client
