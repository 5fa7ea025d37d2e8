#include "client/hosting/site_server.h"

#include <httplib.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "client/hosting/conditional_request.h"
#include "client/hosting/folder_listing.h"
#include "client/hosting/media_type.h"
#include "client/hosting/site_address.h"
#include "client/hosting/url_path.h"
#include "fmt/format.h"
#include "platform/file.h"
#include "platform/status.h"

namespace wasmagent::client {
namespace {

constexpr char kText[] = "text/plain; charset=utf-8";
constexpr size_t kPiece = size_t{128} * 1024;
// A page loads its parts over up to six connections, each of which holds a thread while it is open.
constexpr size_t kThreads = 32;
constexpr int kKeepAliveSeconds = 5;
// A browser that is stopped in its debugger reads nothing meanwhile.
constexpr int kWriteSeconds = 300;
constexpr size_t kMostRequestBody = 1 << 20;

// A part of an open file that is sent through one buffer; shared by the copies that the library makes of its callback.
class FilePart {
 public:
  FilePart(platform::ScopedFd fd, ByteRange range) : fd_(std::move(fd)), offset_(range.offset) {
    buffer_.resize(std::min<uint64_t>(kPiece, range.length));
  }

  // Sends the piece that begins `done` bytes into the part; false ends the connection, since a file that has become
  // shorter cannot keep what its headers said.
  bool Send(size_t done, size_t left, httplib::DataSink& sink) {
    auto got = platform::ReadAt(fd_.get(), buffer_.data(), std::min(left, buffer_.size()), offset_ + done);
    return got.ok() && *got > 0 && sink.write(buffer_.data(), *got);
  }

 private:
  platform::ScopedFd fd_;
  uint64_t offset_;
  std::vector<char> buffer_;
};

int HttpStatus(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
      return 400;
    case absl::StatusCode::kPermissionDenied:
      return 403;
    case absl::StatusCode::kNotFound:
      return 404;
    case absl::StatusCode::kOutOfRange:
      return 416;
    case absl::StatusCode::kResourceExhausted:
      return 503;
    default:
      return 500;
  }
}

void SetText(httplib::Response& response, int status, const std::string& text) {
  response.status = status;
  response.set_content(text + "\n", kText);
}

Conditions ConditionsOf(const httplib::Request& request) {
  return {request.get_header_value("If-None-Match"), request.get_header_value("If-Modified-Since"),
          request.get_header_value("If-Range"), request.get_header_value("Range")};
}

absl::Status SetFile(const httplib::Request& request, SiteEntry entry, httplib::Response& response) {
  const Conditions conditions = ConditionsOf(request);
  const FileVersion version = FileVersion::Of(entry.info);
  response.set_header("ETag", version.entity_tag);
  response.set_header("Last-Modified", version.last_modified);
  response.set_header("Accept-Ranges", "bytes");
  if (IsNotModified(conditions, version)) {
    response.status = 304;
    return absl::OkStatus();
  }
  auto range = WantedRange(conditions, version);
  if (!range.ok()) {
    response.set_header("Content-Range", fmt::format("bytes */{}", version.size));
    return range.status();
  }
  const ByteRange part = range->value_or(ByteRange{0, version.size});
  response.status = range->has_value() ? 206 : 200;
  if (range->has_value()) {
    response.set_header("Content-Range",
                        fmt::format("bytes {}-{}/{}", part.offset, part.offset + part.length - 1, version.size));
  }
  const std::string type(MediaType(entry.path));
  if (part.length == 0) {
    response.set_header("Content-Type", type);
    return absl::OkStatus();
  }
  response.set_content_provider(
      part.length, type,
      [file = std::make_shared<FilePart>(std::move(entry.fd), part)](
          size_t done, size_t left, httplib::DataSink& sink) { return file->Send(done, left, sink); });
  return absl::OkStatus();
}

bool SendsBody(const std::string& method) {
  return method == "POST" || method == "PUT" || method == "PATCH" || method == "DELETE";
}

uint64_t SentBytes(const httplib::Request& request, const httplib::Response& response) {
  uint64_t bytes = 0;
  if (request.method != "HEAD") (void)absl::SimpleAtoi(response.get_header_value("Content-Length"), &bytes);
  return bytes;
}

}  // namespace

SiteServer::SiteServer(StaticFiles files, SiteOptions options)
    : files_(std::move(files)), options_(std::move(options)), server_(std::make_unique<httplib::Server>()) {}

SiteServer::~SiteServer() {
  if (!thread_.joinable()) return;
  server_->stop();
  thread_.join();
}

absl::StatusOr<std::unique_ptr<SiteServer>> SiteServer::Start(const std::string& root, SiteOptions options) {
  ASSIGN_OR_RETURN(StaticFiles files, StaticFiles::Open(root));
  std::unique_ptr<SiteServer> site(new SiteServer(std::move(files), std::move(options)));
  site->Configure();
  RETURN_IF_ERROR(site->Listen());
  return site;
}

void SiteServer::Configure() {
  // The library's own choice, SO_REUSEPORT, would let two servers share a port, and each get half of the requests.
  server_->set_socket_options([](int socket) {
    int yes = 1;
    ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  });
  server_->new_task_queue = [this] {
    // Asked for once the server can be stopped, and not before.
    listening_.Notify();
    return new httplib::ThreadPool(kThreads);
  };
  server_->set_keep_alive_timeout(kKeepAliveSeconds);
  server_->set_keep_alive_max_count(1000);
  server_->set_write_timeout(kWriteSeconds);
  server_->set_payload_max_length(kMostRequestBody);
  server_->set_default_headers({{"Cross-Origin-Opener-Policy", "same-origin"},
                                {"Cross-Origin-Embedder-Policy", "require-corp"},
                                {"Cross-Origin-Resource-Policy", "same-origin"},
                                {"Cache-Control", "no-cache"}});
  server_->set_pre_routing_handler([this](const httplib::Request& request, httplib::Response& response) {
    if (request.method == "GET" || request.method == "HEAD") {
      Answer(request, response);
      return httplib::Server::HandlerResponse::Handled;
    }
    response.status = 405;
    response.set_header("Allow", "GET, HEAD");
    // Then the library reads what was sent along, so that the next request begins where it does, finds no handler, and
    // leaves the answer as it is.
    return SendsBody(request.method) ? httplib::Server::HandlerResponse::Unhandled
                                     : httplib::Server::HandlerResponse::Handled;
  });
  server_->set_post_routing_handler([](const httplib::Request&, httplib::Response& response) {
    // It would say that the file is empty.
    if (response.status == 304) response.headers.erase("Content-Length");
  });
  server_->set_logger([this](const httplib::Request& request, const httplib::Response& response) {
    if (options_.log) options_.log({request.method, request.target, response.status, SentBytes(request, response)});
  });
}

absl::Status SiteServer::Listen() {
  errno = 0;
  port_ = options_.port;
  if (options_.port == 0) {
    port_ = server_->bind_to_any_port(options_.address);
  } else if (!server_->bind_to_port(options_.address, options_.port)) {
    port_ = -1;
  }
  // The library says only that it did not work; the last system call that failed was bind.
  if (port_ < 0 && errno == EADDRINUSE) {
    return absl::FailedPreconditionError(
        fmt::format("port {} of {} is taken\n  try: wasmctl serve --port 0, which takes a free one", options_.port,
                    options_.address));
  }
  if (port_ < 0) {
    return absl::FailedPreconditionError(fmt::format("cannot listen on port {} of {}: {}", options_.port,
                                                     options_.address,
                                                     errno == 0 ? "no such address" : std::strerror(errno)));
  }
  thread_ = std::thread([this] { server_->listen_after_bind(); });
  listening_.WaitForNotification();
  return absl::OkStatus();
}

void SiteServer::Answer(const httplib::Request& request, httplib::Response& response) const {
  // The library would apply ranges to whatever is answered, differently from release to release: it is left to SetFile.
  // The request is the library's own, and not constant there.
  const_cast<httplib::Request&>(request).ranges.clear();
  if (!AnswersTo(options_.address, request.get_header_value("Host"))) {
    SetText(response, 421, "this site answers to localhost only: --bind makes it reachable under other names");
    return;
  }
  absl::Status status = AnswerPath(request, response);
  if (!status.ok()) SetText(response, HttpStatus(status), std::string(status.message()));
}

absl::Status SiteServer::AnswerPath(const httplib::Request& request, httplib::Response& response) const {
  ASSIGN_OR_RETURN(SiteEntry entry, files_.Find(request.path));
  if (!entry.is_folder()) return SetFile(request, std::move(entry), response);
  if (!request.path.ends_with('/')) {
    // Links on the page are relative to its folder.
    response.set_redirect("/" + EncodePath(entry.path) + "/", 301);
    return absl::OkStatus();
  }
  auto index = files_.Find(request.path + "index.html");
  if (index.ok() && !index->is_folder()) return SetFile(request, *std::move(index), response);
  ASSIGN_OR_RETURN(std::string listing, FolderListing(entry));
  response.status = 200;
  response.set_content(listing, "text/html; charset=utf-8");
  return absl::OkStatus();
}

}  // namespace wasmagent::client
