// hosting: a web server's configuration, for a real site.
#include "CLI/CLI.hpp"
#include "client/command/commands.h"
#include "client/command/exit_code.h"
#include "client/hosting/server_configuration.h"
#include "fmt/format.h"
#include "platform/status.h"

namespace wasmagent::client {
namespace {

struct HostingFlags {
  ServerKind kind = ServerKind::kApache;
  bool folder = false;
  ServerSite site;
};

CommandResult Hosting(const HostingFlags& flags) {
  if (flags.folder && flags.kind != ServerKind::kApache) {
    return absl::InvalidArgumentError("--htaccess is apache's: other servers have no configuration per folder");
  }
  ASSIGN_OR_RETURN(std::string text,
                   ServerConfiguration(flags.folder ? ServerKind::kApacheFolder : flags.kind, flags.site));
  fmt::print("{}", text);
  return kSucceeded;
}

}  // namespace

void AddHosting(CLI::App& app, CommandContext& context) {
  auto flags = std::make_shared<HostingFlags>();
  CLI::App* command =
      app.add_subcommand("hosting", "Print a web server's configuration for a site of WebAssembly programs");
  const std::map<std::string, ServerKind> kinds = {
      {"apache", ServerKind::kApache}, {"nginx", ServerKind::kNginx}, {"caddy", ServerKind::kCaddy}};
  command->add_option("server", flags->kind, "The program that serves the site")
      ->required()
      ->transform(CLI::CheckedTransformer(kinds))
      ->option_text("apache|nginx|caddy");
  command->add_flag("--htaccess", flags->folder, "For apache: a .htaccess file, where only a folder is yours");
  command->add_option("--root", flags->site.root, "Folder of the files on the server (default: /var/www/wasm)");
  command->add_option("--name", flags->site.name, "The site's host name (default: wasm.example.org)");
  command->callback([&context, flags] { context.action = [flags] { return Hosting(*flags); }; });
}

}  // namespace wasmagent::client
