#include "agent/pipeline/failure_signs.h"

#include "absl/strings/ascii.h"

namespace wasmagent::pipeline {
namespace {

bool Contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

// The word that follows `before` in the line, up to one of `ends`; empty when it is not there.
std::string WordAfter(std::string_view line, std::string_view before, std::string_view ends) {
  size_t begin = line.find(before);
  if (begin == std::string_view::npos) return "";
  line.remove_prefix(begin + before.size());
  return std::string(line.substr(0, line.find_first_of(ends)));
}

// "sysroot/lib/wasm32-emscripten/libz.a" is libz, as far as people are concerned.
std::string LibraryName(std::string_view path) {
  if (size_t slash = path.rfind('/'); slash != std::string_view::npos) path.remove_prefix(slash + 1);
  return std::string(path.substr(0, path.rfind('.')));
}

}  // namespace

void FailureSigns::Take(std::string_view line) {
  if (const Limitation* found = limitations_.Find(toolchain_, line)) limitation_ = Shown{found, std::string(line)};
  if (!package_.has_value()) {
    if (auto missing = MissingPackageIn(line, libraries_)) package_ = Package{*std::move(missing), std::string(line)};
  }
  if (toolchain_ == "emscripten" && !port_.has_value()) TakePort(line);
}

void FailureSigns::TakePort(std::string_view line) {
  using Why = MissingPort::Why;
  auto missing = [&](std::string name, Why why) { port_ = MissingPort{std::move(name), why, std::string(line)}; };
  // What it is about to do; a traceback names the port, too.
  if (auto name = WordAfter(line, "retrieving port: ", " "); !name.empty()) {
    port_under_way_ = name;
    fetching_ = true;
  } else if (name = WordAfter(line, "generating port: ", " "); !name.empty()) {
    port_under_way_ = LibraryName(name.substr(0, name.find("...")));
  } else if (name = WordAfter(line, "generating system library: ", " "); !name.empty()) {
    port_under_way_ = LibraryName(name.substr(0, name.find("...")));
  } else if (name = WordAfter(line, "fetch_project('", "'"); !name.empty()) {
    port_under_way_ = name;
  }
  // Why it could not.
  if (Contains(line, "FROZEN_CACHE is set, but cache file is missing")) {
    return missing(LibraryName(WordAfter(line, "cache file is missing: \"", "\"")), Why::kReadOnlyCache);
  }
  if (Contains(line, "Attempt to lock the cache but FROZEN_CACHE is set")) {
    return missing(port_under_way_, Why::kReadOnlyCache);
  }
  if (auto name = WordAfter(line, "invalid port name: ", " "); !name.empty()) return missing(name, Why::kUnknown);
  if (auto name = WordAfter(line, "Attempt to set a non-existent setting: 'USE_", "'"); !name.empty()) {
    return missing(absl::AsciiStrToLower(name), Why::kUnknown);
  }
  if (!fetching_) return;
  for (std::string_view sign : {"urlopen error", "Temporary failure in name resolution", "Name or service not known",
                                "Network is unreachable", "HTTP Error"}) {
    if (Contains(line, sign)) return missing(port_under_way_, Why::kNoNetwork);
  }
}

}  // namespace wasmagent::pipeline
