#include "client/command/request_flags.h"

#include <pwd.h>
#include <sys/random.h>
#include <unistd.h>

#include "CLI/CLI.hpp"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "content/utf8.h"
#include "fmt/format.h"
#include "platform/status.h"

namespace wasmagent::client {
namespace {

// Messages hold text; what is none would fail far away, without a name.
absl::Status CheckText(const char* flag, const std::string& value) {
  if (content::IsUtf8(value)) return absl::OkStatus();
  return absl::InvalidArgumentError(fmt::format("{} {}: not UTF-8", flag, content::ToUtf8(value)));
}

absl::Status SetAction(const RequestFlags& flags, wasmagent::v1::BuildOptions& options) {
  std::vector<std::string> words = flags.action_args;
  options.set_action(flags.action);
  if (flags.test) {
    options.set_action("test");
    words = absl::StrSplit(*flags.test, ' ', absl::SkipWhitespace());
  }
  if (flags.pythoninfo) options.set_action("pythoninfo");
  if (flags.configure_only) options.set_action("configure");
  for (const std::string& word : words) {
    RETURN_IF_ERROR(CheckText("the action's arguments:", word));
    options.add_action_args(word);
  }
  return absl::OkStatus();
}

}  // namespace

void AddRequestFlags(CLI::App& command, RequestFlags& flags) {
  command
      .add_option("--target,-t", flags.targets,
                  "Target to build, 'all', or a pattern such as 'emscripten-*'; may be repeated (default: wasi)")
      ->allow_extra_args(false);
  command.add_flag("--clean", flags.clean, "Start from clean build dirs");
  command.add_flag("--force", flags.force, "Build targets that are known to be broken, too");
  command.add_option("--jobs,-j", flags.jobs, "Parallel jobs (default: what the agent's CPUs and memory allow)");
  command.add_option("--env", flags.env, "NAME=VALUE for the targets' steps; may be repeated")->allow_extra_args(false);
  command
      .add_option("--configure-arg", flags.configure_args,
                  "Added to the arguments of the targets' configure; may be repeated")
      ->allow_extra_args(false);
  command.add_option("--make-arg", flags.make_args, "Added to the arguments of the targets' make; may be repeated")
      ->allow_extra_args(false);
  auto* test = command.add_option(
      "--test", flags.test, "Run the targets' own tests once they are built; ARGS are theirs, for CPython TESTOPTS");
  test->expected(0, 1)->type_name("[ARGS]");
  auto* pythoninfo = command.add_flag("--pythoninfo", flags.pythoninfo, "Print what CPython's test.pythoninfo tells");
  auto* configure = command.add_flag("--configure-only", flags.configure_only, "Configure the targets, and no more");
  auto* action = command.add_option("--action", flags.action, "Another action of the targets; see wasmctl targets");
  auto* words = command.add_option("--action-arg", flags.action_args, "A word for the action; may be repeated");
  words->allow_extra_args(false)->needs(action);
  for (auto* one : {test, static_cast<CLI::Option*>(pythoninfo), static_cast<CLI::Option*>(configure), action}) {
    for (auto* other : {test, static_cast<CLI::Option*>(pythoninfo), static_cast<CLI::Option*>(configure), action}) {
      if (one != other) one->excludes(other);
    }
  }
  command.add_option("--timeout", flags.timeout, "Longest time for the steps: 90s, 30m, 2h (default: the agent's)");
}

absl::StatusOr<wasmagent::v1::BuildRequest> MakeRequest(const RequestFlags& flags, const Checkout& checkout) {
  wasmagent::v1::BuildRequest request;
  request.mutable_checkout()->set_id(checkout.id);
  // For people; the id tells checkouts apart.
  request.mutable_checkout()->set_path(content::ToUtf8(checkout.path));
  request.mutable_checkout()->set_host(checkout.host);
  for (const std::string& target : flags.targets) request.add_targets(target);
  if (flags.targets.empty()) request.add_targets("wasi");
  auto* options = request.mutable_options();
  options->set_clean(flags.clean);
  options->set_force(flags.force);
  options->set_jobs(flags.jobs);
  for (const std::string& variable : flags.env) {
    RETURN_IF_ERROR(CheckText("--env", variable));
    size_t equals = variable.find('=');
    if (equals == 0 || equals == std::string::npos) {
      return absl::InvalidArgumentError(fmt::format("--env {}: must be NAME=VALUE", variable));
    }
    (*options->mutable_env())[variable.substr(0, equals)] = variable.substr(equals + 1);
  }
  for (const std::string& argument : flags.configure_args) {
    RETURN_IF_ERROR(CheckText("--configure-arg", argument));
    options->add_configure_args(argument);
  }
  for (const std::string& argument : flags.make_args) {
    RETURN_IF_ERROR(CheckText("--make-arg", argument));
    options->add_make_args(argument);
  }
  RETURN_IF_ERROR(SetAction(flags, *options));
  if (!flags.timeout.empty()) {
    absl::Duration timeout;
    int64_t seconds = 0;
    // A plain number is seconds.
    if (absl::SimpleAtoi(flags.timeout, &seconds)) {
      timeout = absl::Seconds(seconds);
    } else if (!absl::ParseDuration(flags.timeout, &timeout)) {
      timeout = absl::ZeroDuration();
    }
    if (timeout <= absl::ZeroDuration()) {
      return absl::InvalidArgumentError(
          fmt::format("--timeout {}: must be a duration such as 90s, 30m or 2h", flags.timeout));
    }
    options->mutable_timeout()->set_seconds(absl::ToInt64Seconds(timeout));
    options->mutable_timeout()->set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(timeout % absl::Seconds(1))));
  }
  const passwd* user = ::getpwuid(::getuid());
  request.set_requester(
      fmt::format("{}@{}", user != nullptr ? user->pw_name : std::to_string(::getuid()), checkout.host));
  return request;
}

SourceTree TreeOf(const Checkout& checkout, const ScannedTree& scanned) {
  return {&scanned.tree, checkout.path, [&scanned](const SourceTree::FileVisitor& visit) {
            for (const ScannedFile& file : scanned.files) visit(file.path, file.digest);
          }};
}

std::string NewBuildId() {
  unsigned char b[16];
  // Up to 256 bytes are always delivered at once.
  (void)!::getrandom(b, sizeof(b), 0);
  b[6] = static_cast<unsigned char>((b[6] & 0x0f) | 0x40);
  b[8] = static_cast<unsigned char>((b[8] & 0x3f) | 0x80);
  std::string id;
  for (int i = 0; i < 16; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) id += '-';
    id += fmt::format("{:02x}", b[i]);
  }
  return id;
}

}  // namespace wasmagent::client
