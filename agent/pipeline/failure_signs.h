// What the lines of a step tell about why it may fail, apart from the messages of compilers.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "agent/pipeline/limitations.h"
#include "agent/pipeline/missing_library.h"

namespace wasmagent::pipeline {

// A library of Emscripten's that would have to be built or fetched, and cannot be.
struct MissingPort {
  enum class Why {
    kReadOnlyCache,  // it would be built into a cache that cannot be written
    kNoNetwork,      // its source would be fetched
    kUnknown,        // there is no such port
  };
  std::string name;  // empty when nobody said it
  Why why = Why::kUnknown;
  std::string line;  // what said so
};

// Looks at every plain line of a step's output. One for each step; used by one thread. Costs a few lines, and of each
// line a search for each signature of the toolchain's limitations.
class FailureSigns {
 public:
  // `toolchain` is the kind of the target's. The tables are the agent's own and outlive it.
  explicit FailureSigns(std::string toolchain, const LimitationTable& limitations = LimitationTable::BuiltIn(),
                        const LibraryTable& libraries = LibraryTable::BuiltIn())
      : toolchain_(std::move(toolchain)), limitations_(limitations), libraries_(libraries) {}

  void Take(std::string_view line);

  const std::string& toolchain() const { return toolchain_; }
  const LimitationTable& limitations() const { return limitations_; }
  const LibraryTable& libraries() const { return libraries_; }

  // The limitation that showed last, which is nearest to the failure, with the line that shows it.
  struct Shown {
    const Limitation* limitation = nullptr;
    std::string line;
  };
  const std::optional<Shown>& limitation() const { return limitation_; }
  // The first one.
  const std::optional<MissingPort>& port() const { return port_; }
  // The first one that pkg-config or CMake did not find, with their line.
  struct Package {
    MissingLibrary missing;
    std::string line;
  };
  const std::optional<Package>& package() const { return package_; }

 private:
  void TakePort(std::string_view line);

  const std::string toolchain_;
  const LimitationTable& limitations_;
  const LibraryTable& libraries_;
  std::optional<Shown> limitation_;
  std::optional<MissingPort> port_;
  std::optional<Package> package_;
  std::string port_under_way_;  // that Emscripten said it is about to build or fetch
  bool fetching_ = false;
};

}  // namespace wasmagent::pipeline
