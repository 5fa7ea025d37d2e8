// autoconf's config.cache, kept from one build dir for the next one that is configured the same way.
#pragma once

#include <string>

#include "absl/status/status.h"

namespace wasmagent::workspace {

// A folder with one file for each configure key. Owned by the agent; thread-safe, since every change is a rename. A
// cache is some 40 KB and saves minutes: CPython's configure runs 886 checks for wasi.
class ConfigCache {
 public:
  explicit ConfigCache(std::string directory) : directory_(std::move(directory)) {}

  // Puts the cache of this key into a build dir that has none. No error when there is none to put.
  absl::Status Seed(const std::string& key, const std::string& build_directory) const;
  // Drops what was kept for this key: configure would not have it.
  void Forget(const std::string& key) const;
  // Keeps the config.cache of a build dir whose configure succeeded. No error when it has none.
  absl::Status Keep(const std::string& key, const std::string& build_directory) const;

 private:
  const std::string directory_;
};

}  // namespace wasmagent::workspace
