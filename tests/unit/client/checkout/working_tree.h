// A working tree in a temporary folder, removed with the test.
#pragma once

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "client/checkout/checkout.h"
#include "gtest/gtest.h"

namespace wasmagent::client {

class WorkingTree {
 public:
  WorkingTree() {
    std::string name = testing::TempDir() + "/tree-XXXXXX";
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    base_ = std::filesystem::canonical(name);
    std::filesystem::create_directories(base_ / "src");
  }
  ~WorkingTree() { std::filesystem::remove_all(base_); }

  std::string path() const { return base_ / "src"; }
  std::string Path(const std::string& name) const { return path() + "/" + name; }
  Checkout checkout() const { return {path(), "test-1", "host", base_ / "cache"}; }

  void Write(const std::string& name, const std::string& text = "x") const {
    std::filesystem::create_directories(std::filesystem::path(Path(name)).parent_path());
    std::ofstream(Path(name), std::ios::binary) << text;
  }
  void MakeFolder(const std::string& name) const { std::filesystem::create_directories(Path(name)); }
  void Link(const std::string& name, const std::string& target) const {
    ASSERT_EQ(::symlink(target.c_str(), Path(name).c_str()), 0);
  }
  // A shell command in the tree; the environment's git settings are kept out.
  void Shell(const std::string& command) const {
    std::string line =
        "cd '" + path() + "' && export HOME=/nonexistent GIT_CONFIG_NOSYSTEM=1 && (" + command + ") >/dev/null 2>&1";
    ASSERT_EQ(std::system(line.c_str()), 0) << command;
  }
  // A git checkout with an identity.
  void InitGit() const { Shell("git init -q . && git config user.email a@b && git config user.name n"); }

 private:
  std::filesystem::path base_;
};

}  // namespace wasmagent::client
