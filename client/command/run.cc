// run: the product, under the runtime that is here.
#include <unistd.h>

#include <filesystem>

#include "CLI/CLI.hpp"
#include "client/command/commands.h"
#include "client/command/local_runtime.h"
#include "client/command/watch_loop.h"
#include "fmt/format.h"
#include "google/protobuf/util/json_util.h"
#include "platform/file.h"
#include "platform/status.h"

namespace wasmagent::client {
namespace {

struct RunFlags {
  std::string target = "wasi";
  std::vector<std::string> arguments;
};

// For a target that does not say what its program is, as the defaults for Makefile and CMake projects do not: the only
// .wasm file.
absl::StatusOr<wasmagent::v1::Runner> OnlyProgram(const Checkout& checkout, const std::string& target) {
  std::string folder = fmt::format("builddir/{}", target);
  std::vector<std::string> found;
  std::error_code error;
  for (std::filesystem::recursive_directory_iterator entry(checkout.path + "/" + folder, error), end;
       !error && entry != end; entry.increment(error)) {
    if (entry->path().extension() != ".wasm") continue;
    found.push_back(std::filesystem::relative(entry->path(), checkout.path, error).string());
  }
  if (found.size() == 1) {
    wasmagent::v1::Runner runner;
    runner.set_runtime("wasi");
    runner.set_program(found.front());
    return runner;
  }
  return absl::FailedPreconditionError(
      fmt::format("target {} does not say which program it makes, and {} {}\n  try: a runner in wasmbuild.yaml", target,
                  folder, found.empty() ? "has no .wasm file" : fmt::format("has {}", fmt::join(found, ", "))));
}

absl::StatusOr<wasmagent::v1::Runner> SavedRunner(const Checkout& checkout, const std::string& target) {
  std::string path = fmt::format("{}/builddir/{}/.wasmctl-artifacts.json", checkout.path, target);
  auto text = platform::ReadFile(path, 1 << 20);
  if (absl::IsNotFound(text.status())) {
    return absl::NotFoundError(
        fmt::format("nothing of target {} has been fetched here\n  try: wasmctl submit --target {}", target, target));
  }
  RETURN_IF_ERROR(text.status());
  wasmagent::v1::Artifacts artifacts;
  if (!google::protobuf::util::JsonStringToMessage(*text, &artifacts).ok()) {
    return absl::DataLossError(fmt::format("{}: cannot be read\n  try: wasmctl fetch", path));
  }
  if (artifacts.has_runner()) return artifacts.runner();
  return OnlyProgram(checkout, target);
}

CommandResult Run(const CommandContext& context, const RunFlags& flags) {
  ASSIGN_OR_RETURN(Checkout checkout, context.OpenCheckout());
  ASSIGN_OR_RETURN(auto runner, SavedRunner(checkout, flags.target));
  std::vector<std::string> argv;
  if (runner.runtime() == "native") {
    argv = {checkout.path + "/" + runner.program()};
    argv.insert(argv.end(), flags.arguments.begin(), flags.arguments.end());
    for (const auto& [name, value] : runner.env()) ::setenv(name.c_str(), value.c_str(), 1);
  } else if (runner.runtime() == "wasi") {
    ASSIGN_OR_RETURN(LocalRuntime runtime, FindRuntime());
    ASSIGN_OR_RETURN(std::string node_runner, NodeRunner());
    argv = RuntimeArguments(runtime, runner, checkout.path, node_runner, flags.arguments);
  } else {
    return absl::UnimplementedError(fmt::format("wasmctl cannot run programs for '{}'", runner.runtime()));
  }
  std::vector<char*> pointers;
  for (std::string& word : argv) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  UnblockWatchSignals();
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
  command->add_option("arguments", flags->arguments, "After --: the program's arguments");
  command->callback([&context, flags] { context.action = [&context, flags] { return Run(context, *flags); }; });
}

}  // namespace wasmagent::client
