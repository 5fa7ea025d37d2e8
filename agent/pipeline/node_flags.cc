#include "agent/pipeline/node_flags.h"

#include "agent/pipeline/probe_command.h"
#include "platform/parallel.h"

namespace wasmagent::pipeline {

const std::vector<std::string>& KnownNodeFlags() {
  static const auto* flags = new std::vector<std::string>{
      "--experimental-wasm-threads",  "--experimental-wasm-bulk-memory",     "--experimental-wasm-bigint",
      "--experimental-wasm-memory64", "--experimental-wasm-stack-switching", "--experimental-wasm-jspi",
      "--experimental-wasm-exnref"};
  return *flags;
}

std::vector<std::string> ProbeNodeFlags(const std::string& node, std::string_view search_path) {
  const std::vector<std::string>& known = KnownNodeFlags();
  std::vector<char> taken(known.size(), 0);
  platform::ParallelFor(known.size(), known.size(), 1, [&](size_t i) {
    // "-v" ends before the flags are looked at; an empty program does not.
    const auto answer = AskProgram({node, known[i], "-e", ""}, search_path);
    taken[i] = answer.ok() && answer->exit_code == 0 ? 1 : 0;
    return absl::OkStatus();
  }).IgnoreError();
  std::vector<std::string> flags;
  for (size_t i = 0; i < known.size(); ++i) {
    if (taken[i] != 0) flags.push_back(known[i]);
  }
  return flags;
}

}  // namespace wasmagent::pipeline
