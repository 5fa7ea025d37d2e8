#include "client/hosting/site_server.h"

#include <httplib.h>

#include <map>
#include <mutex>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/client/checkout/working_tree.h"

namespace wasmagent::client {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class SiteServerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    tree_.Write("page.html", "<p>page");
    tree_.Write("a/x.wasm", std::string(300'000, 'w'));
    SiteOptions options;
    options.log = [this](const Access& access) {
      std::lock_guard lock(mutex_);
      log_.push_back(access.method + " " + access.target + " " + std::to_string(access.status) + " " +
                     std::to_string(access.bytes));
    };
    auto site = SiteServer::Start(tree_.path(), options);
    ASSERT_TRUE(site.ok()) << site.status();
    site_ = *std::move(site);
    client_ = std::make_unique<httplib::Client>("127.0.0.1", site_->port());
    client_->set_keep_alive(true);
  }
  // Ends the server, so that every answer is in the log.
  std::vector<std::string> Log() {
    client_.reset();
    site_.reset();
    std::lock_guard lock(mutex_);
    return log_;
  }

  WorkingTree tree_;
  // Not abseil's: the server's threads are the library's, and ThreadSanitizer knows the standard one wherever it is
  // used.
  std::mutex mutex_;
  std::vector<std::string> log_;
  // The server writes into the log until it has ended.
  std::unique_ptr<SiteServer> site_;
  std::unique_ptr<httplib::Client> client_;
};

// A file is answered whole, in part, or not again; each answer is logged with what was sent.
TEST_F(SiteServerTest, AnswersWithFiles) {
  auto whole = client_->Get("/a/x.wasm");
  ASSERT_TRUE(whole);
  EXPECT_EQ(whole->status, 200);
  EXPECT_EQ(whole->body, std::string(300'000, 'w'));
  EXPECT_EQ(whole->get_header_value("Content-Type"), "application/wasm");
  auto part = client_->Get("/a/x.wasm", {{"Range", "bytes=299990-"}});
  ASSERT_TRUE(part);
  EXPECT_EQ(part->status, 206);
  EXPECT_EQ(part->body.size(), 10U);
  EXPECT_EQ(part->get_header_value("Content-Range"), "bytes 299990-299999/300000");
  // This client waits for the end of the connection when there is no length, also after a 304.
  auto again = client_->Get("/a/x.wasm", {{"If-None-Match", whole->get_header_value("ETag")}, {"Connection", "close"}});
  ASSERT_TRUE(again);
  EXPECT_EQ(again->status, 304);
  ASSERT_TRUE(client_->Head("/page.html"));
  EXPECT_THAT(Log(), ElementsAre("GET /a/x.wasm 200 300000", "GET /a/x.wasm 206 10", "GET /a/x.wasm 304 0",
                                 "HEAD /page.html 200 0"));
}

// Errors say why, are isolated like pages, and are never cut to a range that was asked of the file.
TEST_F(SiteServerTest, AnswersWithErrors) {
  for (const auto& [path, status] : std::map<std::string, int>{{"/none", 404}, {"/a/%2e%2e/x", 403}, {"/%00", 400}}) {
    auto answer = client_->Get(path.c_str(), {{"Range", "bytes=500-"}});
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, status) << path;
    EXPECT_FALSE(answer->body.empty());
    EXPECT_EQ(answer->get_header_value("Cross-Origin-Embedder-Policy"), "require-corp");
  }
  auto foreign = client_->Get("/page.html", {{"Host", "evil.example"}});
  ASSERT_TRUE(foreign);
  EXPECT_EQ(foreign->status, 421);
}

// What is sent along with a refused method does not become the next request.
TEST_F(SiteServerTest, RefusesOtherMethods) {
  auto refused = client_->Post("/page.html", "GET /a/x.wasm HTTP/1.1\r\n\r\n", "text/plain");
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->status, 405);
  EXPECT_EQ(refused->get_header_value("Allow"), "GET, HEAD");
  ASSERT_TRUE(client_->Get("/page.html"));
  EXPECT_THAT(Log(), ElementsAre(HasSubstr("POST /page.html 405"), "GET /page.html 200 7"));
}

// Two servers do not share a port: the second one says so.
TEST_F(SiteServerTest, SaysThatAPortIsTaken) {
  auto second = SiteServer::Start(tree_.path(), {"127.0.0.1", site_->port(), nullptr});
  EXPECT_EQ(second.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(second.status().message()), HasSubstr("is taken\n  try: wasmctl serve --port 0"));
  EXPECT_FALSE(SiteServer::Start(tree_.path(), {"192.0.2.1", 0, nullptr}).ok());
  EXPECT_FALSE(SiteServer::Start(tree_.Path("none"), {}).ok());
}

}  // namespace
}  // namespace wasmagent::client
