// run: the product, under the runtime that is here.
#include <signal.h>
#include <unistd.h>

#include <filesystem>

#include "CLI/CLI.hpp"
#include "client/artifacts/artifact_manifest.h"
#include "client/command/commands.h"
#include "client/command/local_runtime.h"
#include "client/command/watch_loop.h"
#include "client/session/agent_locator.h"
#include "client/session/container_agent.h"
#include "fmt/format.h"
#include "google/protobuf/util/json_util.h"
#include "platform/file.h"
#include "platform/shell_quote.h"
#include "platform/status.h"

namespace wasmagent::client {
namespace {

struct RunFlags {
  std::string target = "wasi";
  std::string out;
  bool debug = false;
  bool in_image = false;
  std::string runtime;  // empty: the first that is there
};

// What was fetched of a target: the record that lies beside it, and the folder where it is.
struct Fetched {
  wasmagent::v1::Artifacts artifacts;
  std::string folder;
};

absl::StatusOr<Fetched> FindFetched(const Checkout& checkout, const RunFlags& flags) {
  Fetched fetched;
  std::error_code error;
  fetched.folder = flags.out.empty() ? fmt::format("{}/builddir/{}", checkout.path, flags.target)
                                     : (std::filesystem::absolute(flags.out, error) / flags.target).string();
  std::string path = fetched.folder + "/" + std::string(kRecordName);
  auto text = platform::ReadFile(path, 1 << 20);
  if (absl::IsNotFound(text.status())) {
    return absl::NotFoundError(
        fmt::format("nothing of target {0} has been fetched into {1}\n  try: wasmctl submit --target {0}{2}",
                    flags.target, fetched.folder, flags.out.empty() ? "" : " --out " + platform::QuoteWord(flags.out)));
  }
  RETURN_IF_ERROR(text.status());
  if (!google::protobuf::util::JsonStringToMessage(*text, &fetched.artifacts).ok()) {
    return absl::DataLossError(fmt::format("{}: cannot be read\n  try: wasmctl fetch", path));
  }
  return fetched;
}

// For a target that does not say what its program is, as the defaults for Makefile and CMake projects do: the only
// .wasm file, or the script of the same name beside it that loads it, which emscripten makes.
absl::StatusOr<wasmagent::v1::Runner> OnlyProgram(const Fetched& fetched) {
  std::vector<std::string> found;
  std::error_code error;
  for (std::filesystem::recursive_directory_iterator entry(fetched.folder, error), end; !error && entry != end;
       entry.increment(error)) {
    if (entry->path().extension() == ".wasm") found.push_back(entry->path().string());
  }
  if (found.size() == 1) {
    wasmagent::v1::Runner runner;
    runner.set_runtime("wasi");
    runner.set_program(found.front());
    auto script = std::filesystem::path(found.front()).replace_extension(".js");
    if (std::filesystem::is_regular_file(script, error)) {
      runner.set_runtime("node");
      runner.set_program(script.string());
    }
    return runner;
  }
  return absl::FailedPreconditionError(
      fmt::format("target {} does not say which program it makes, and {} {}\n  try: a runner in wasmbuild.yaml",
                  fetched.artifacts.target(), fetched.folder,
                  found.empty() ? "has no .wasm file" : fmt::format("has {}", fmt::join(found, ", "))));
}

// A runner names its program below the checkout, as if the products were in their usual place. Where they went into
// another folder, the program is taken from there, and a guest that sees the checkout sees that folder in the usual
// place.
wasmagent::v1::Runner Relocated(wasmagent::v1::Runner runner, const Fetched& fetched) {
  const std::string usual = fetched.artifacts.destination() + "/";
  if (runner.program().starts_with(usual))
    runner.set_program(fetched.folder + "/" + runner.program().substr(usual.size()));
  auto& directories = *runner.mutable_directories();
  auto root = directories.find("/");
  if (root != directories.end() && (root->second.empty() || root->second == "."))
    directories["/" + fetched.artifacts.destination()] = fetched.folder;
  return runner;
}

absl::StatusOr<wasmagent::v1::Runner> FindRunner(const Checkout& checkout, const RunFlags& flags) {
  ASSIGN_OR_RETURN(Fetched fetched, FindFetched(checkout, flags));
  if (!fetched.artifacts.has_runner()) return OnlyProgram(fetched);
  if (flags.out.empty()) return fetched.artifacts.runner();
  return Relocated(fetched.artifacts.runner(), fetched);
}

// The command under a runtime of this machine; NOT_FOUND when it has none for the program.
absl::StatusOr<std::vector<std::string>> LocalCommand(const wasmagent::v1::Runner& runner, const std::string& checkout,
                                                      const std::vector<std::string>& arguments,
                                                      const RunFlags& flags) {
  if (!flags.runtime.empty() && runner.runtime() != "wasi") {
    return absl::InvalidArgumentError(
        fmt::format("--runtime is for WASI programs; this one is run by '{}'", runner.runtime()));
  }
  if (runner.runtime() == "native") {
    std::vector<std::string> argv = {BelowCheckout(checkout, runner.program())};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    for (const auto& [name, value] : runner.env()) ::setenv(name.c_str(), value.c_str(), 1);
    return argv;
  }
  if (runner.runtime() == "wasi") {
    ASSIGN_OR_RETURN(LocalRuntime runtime, FindRuntime(flags.runtime));
    ASSIGN_OR_RETURN(std::string node_runner, NodeRunner());
    if (flags.debug) {
      ::setenv("WASMTIME_BACKTRACE_DETAILS", "1", 0);
      for (const auto& [name, value] : LogVariables(runtime)) ::setenv(name.c_str(), value.c_str(), 0);
    }
    return RuntimeArguments(runtime, runner, checkout, node_runner, arguments, flags.debug);
  }
  if (runner.runtime() == "node") return NodeArguments(runner, checkout, arguments, flags.debug);
  return absl::UnimplementedError(fmt::format("wasmctl cannot run programs for '{}'", runner.runtime()));
}

// The same wasmctl command in the agent's image, which has every runtime.
absl::StatusOr<std::vector<std::string>> ImageCommand(const CommandContext& context, const Checkout& checkout,
                                                      const RunFlags& flags) {
  ProgramRun run;
  run.argv = {"wasmctl", "run", "--checkout", checkout.path, "--target", flags.target};
  if (flags.debug) run.argv.push_back("--debug");
  if (!flags.runtime.empty()) run.argv.insert(run.argv.end(), {"--runtime", flags.runtime});
  if (!flags.out.empty()) {
    std::error_code error;
    run.products = std::filesystem::canonical(flags.out, error).string();
    run.argv.insert(run.argv.end(), {"--out", run.products});
  }
  run.argv.push_back("--");
  run.argv.insert(run.argv.end(), context.program_arguments.begin(), context.program_arguments.end());
  run.terminal = ::isatty(STDIN_FILENO) == 1 && ::isatty(STDOUT_FILENO) == 1;
  return ContainerAgentFor(context.Locator(checkout)).RunInImage(run);
}

absl::StatusOr<std::vector<std::string>> FindCommand(const CommandContext& context, const Checkout& checkout,
                                                     const RunFlags& flags) {
  ASSIGN_OR_RETURN(auto runner, FindRunner(checkout, flags));
  absl::StatusOr<std::vector<std::string>> local = absl::NotFoundError("");
  if (!flags.in_image) local = LocalCommand(runner, checkout.path, context.program_arguments, flags);
  if (!absl::IsNotFound(local.status())) return local;
  auto in_image = ImageCommand(context, checkout, flags);
  if (in_image.ok() && !flags.in_image) {
    std::fprintf(stderr, "wasmctl: %s; it runs in the agent's image\n", std::string(local.status().message()).c_str());
  }
  if (in_image.ok() || flags.in_image) return in_image;
  return absl::NotFoundError(fmt::format("{}; nor can the agent's image run it: {}",
                                         std::string(local.status().message()),
                                         std::string(in_image.status().message())));
}

CommandResult Run(const CommandContext& context, const RunFlags& flags) {
  ASSIGN_OR_RETURN(Checkout checkout, context.OpenCheckout());
  ASSIGN_OR_RETURN(std::vector<std::string> argv, FindCommand(context, checkout, flags));
  std::vector<char*> pointers;
  for (std::string& word : argv) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  UnblockWatchSignals();
  ::signal(SIGPIPE, SIG_DFL);
  // stdin, stdout, signals and exit code are the program's own from here on.
  ::execv(pointers[0], pointers.data());
  return platform::ErrnoStatus(errno, argv[0]);
}

}  // namespace

void AddRun(CLI::App& app, CommandContext& context) {
  auto flags = std::make_shared<RunFlags>();
  CLI::App* command =
      app.add_subcommand("run", "Run what was built and fetched, under the WebAssembly runtime that is here");
  command->add_option("--checkout", context.checkout_directory,
                      "Folder of the checkout (default: found from here upwards)");
  command->add_option("--target,-t", flags->target, "The target (default: wasi)");
  command->add_option("--out", flags->out, "Where submit --out put the products");
  command->add_flag("--debug", flags->debug,
                    "With debug information and the runtime's own log, as far as the runtime has them");
  command
      ->add_option("--runtime", flags->runtime,
                   "The runtime of a WASI program (default: the first that is there, in this order)")
      ->check(CLI::IsMember({"wasmtime", "node", "wasmedge"}));
  command->add_flag("--in-image", flags->in_image,
                    "In the agent's image, also where this machine has a runtime (without one: always)");
  // CLI11 would take "[1,2]" for a list: what follows "--" is cut off before it sees the line.
  command->footer("wasmctl run [OPTIONS] -- ARGUMENT...: what follows -- goes to the program as it is.");
  command->callback([&context, flags] { context.action = [&context, flags] { return Run(context, *flags); }; });
}

}  // namespace wasmagent::client
