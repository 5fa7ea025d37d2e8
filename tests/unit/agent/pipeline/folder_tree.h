// For tests: a folder on disk, or files in memory, as a SourceTree; and files of a fake machine.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "agent/pipeline/glob.h"
#include "agent/pipeline/source_tree.h"
#include "content/digest.h"
#include "gtest/gtest.h"
#include "platform/file.h"

namespace wasmagent::pipeline {

// Files by path, in memory.
class MapTree : public SourceTree {
 public:
  explicit MapTree(std::map<std::string, std::string> files) : files_(std::move(files)) {}

  absl::StatusOr<bool> HasFile(std::string_view path) const override { return files_.count(std::string(path)) > 0; }
  absl::StatusOr<std::string> ReadFile(std::string_view path) const override {
    const auto found = files_.find(std::string(path));
    if (found == files_.end()) return absl::NotFoundError(std::string(path));
    return found->second;
  }
  absl::StatusOr<std::string> DigestOf(const std::vector<std::string>& globs) const override {
    content::Hasher hasher;
    for (const auto& [path, text] : files_) {
      if (GlobListMatch(globs, path)) hasher.Update(path + '\0' + text + '\0');
    }
    return hasher.Finish().Hex();
  }

  std::map<std::string, std::string> files_;
};

// A folder below the test's temporary one, gone afterwards.
class ScratchFolder {
 public:
  ScratchFolder() {
    std::string name = testing::TempDir() + "/pipeline-XXXXXX";
    path_ = std::filesystem::canonical(::mkdtemp(name.data())).string();
  }
  ~ScratchFolder() { std::filesystem::remove_all(path_); }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

  void Write(const std::string& name, const std::string& text, bool executable = false) const {
    const std::filesystem::path file = path_ + "/" + name;
    std::filesystem::create_directories(file.parent_path());
    std::filesystem::remove(file);
    std::ofstream(file, std::ios::binary) << text;
    ::chmod(file.c_str(), executable ? 0755 : 0644);
  }
  // A program that prints a text and ends with a code.
  void WriteProgram(const std::string& name, const std::string& says, int code = 0) const {
    Write(name, "#!/bin/sh\ncat <<'END'\n" + says + "\nEND\nexit " + std::to_string(code) + "\n", true);
  }
  std::string Read(const std::string& name) const {
    const auto text = platform::ReadFile(path_ + "/" + name);
    return text.ok() ? *text : "";
  }

 private:
  std::string path_;
};

}  // namespace wasmagent::pipeline
