// serve: the checkout as a web site, for programs that run in browsers.
#include <unistd.h>

#include <cstdio>

#include "CLI/CLI.hpp"
#include "client/command/commands.h"
#include "client/command/exit_code.h"
#include "client/command/watch_loop.h"
#include "client/hosting/site_address.h"
#include "client/hosting/site_pages.h"
#include "client/hosting/site_server.h"
#include "client/hosting/url_path.h"
#include "client/session/detached_process.h"
#include "client/session/user_folders.h"
#include "client/view/build_view.h"
#include "fmt/format.h"
#include "platform/status.h"

namespace wasmagent::client {
namespace {

struct ServeFlags {
  std::string bind = "127.0.0.1";
  int port = 8000;
  bool open = false;
};

// More pages than these are no help to somebody who looks for one.
constexpr size_t kMostPages = 20;

void Log(const Access& access) {
  fmt::print(stderr, "{} {} {} {}\n", Printable(access.method), Printable(access.target), access.status, access.bytes);
}

// A page that does not open is no reason to end.
void OpenInBrowser(const std::string& url) {
  const std::string path = UserFolders::FromEnvironment().path;
  for (const char* name : {"xdg-open", "open"}) {
    std::string program = FindOnPath(name, path);
    if (program.empty()) continue;
    absl::Status started = StartDetached({program, url}, "/dev/null").status();
    // Not found is one that has done its work already.
    if (!started.ok() && !absl::IsNotFound(started)) {
      fmt::print(stderr, "wasmctl: --open: {}\n", std::string(started.message()));
    }
    return;
  }
  fmt::print(stderr, "wasmctl: --open: neither xdg-open nor open is installed; open {} yourself\n", url);
}

CommandResult Serve(const CommandContext& context, const ServeFlags& flags) {
  ASSIGN_OR_RETURN(Checkout checkout, context.OpenCheckout());
  ASSIGN_OR_RETURN(auto site, SiteServer::Start(checkout.path, {flags.bind, flags.port, Log}));
  if (!IsLoopback(flags.bind)) {
    fmt::print(stderr,
               "wasmctl: everybody who reaches {} can read {}; over http browsers isolate pages (SharedArrayBuffer) "
               "of localhost only\n",
               flags.bind, checkout.path);
  }
  const std::string root = SiteUrl(flags.bind, site->port()) + "/";
  std::string first = root;
  fmt::print("{}\n", root);
  for (const std::string& page : FindPages(checkout.path, kMostPages)) {
    std::string url = root + EncodePath(page);
    if (first == root) first = url;
    fmt::print("{}\n", url);
  }
  std::fflush(stdout);
  if (flags.open) OpenInBrowser(first);
  WaitForWatchSignal();
  // A web server is meant to be ended like this, at once: browsers keep connections open that say nothing.
  ::_exit(kSucceeded);
}

}  // namespace

void AddServe(CLI::App& app, CommandContext& context) {
  auto flags = std::make_shared<ServeFlags>();
  CLI::App* command = app.add_subcommand("serve", "Serve the checkout to browsers, isolated as WebAssembly wants it");
  command->add_option("--checkout", context.checkout_directory,
                      "Folder of the checkout (default: found from here upwards)");
  command->add_option("--bind", flags->bind, "Address to listen on (default: 127.0.0.1, this machine alone)");
  command->add_option("--port", flags->port, "Port to listen on; 0 for any free one (default: 8000)")
      ->check(CLI::Range(0, 65535));
  command->add_flag("--open", flags->open, "Open the first page in the browser");
  command->callback([&context, flags] { context.action = [&context, flags] { return Serve(context, *flags); }; });
}

}  // namespace wasmagent::client
