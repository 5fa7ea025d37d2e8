// What tells one compiler installation from another.
#pragma once

#include <string>
#include <string_view>

#include "content/digest.h"

namespace wasmagent::pipeline {

// Gathers facts of a toolchain into a digest. Each fact is named, so that one cannot pass for another.
class Fingerprint {
 public:
  void AddText(std::string_view name, std::string_view text);
  // Real path, size and modification time: a compiler of 100 MB is not read at each start.
  void AddFileIdentity(std::string_view name, const std::string& path);
  // The content: for small files that decide what is compiled.
  void AddFileContent(std::string_view name, const std::string& path);
  std::string Hex() { return hasher_.Finish().Hex(); }

 private:
  content::Hasher hasher_;
};

}  // namespace wasmagent::pipeline
