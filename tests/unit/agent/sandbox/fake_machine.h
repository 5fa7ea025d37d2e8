// A folder that looks like /proc and /sys of another machine.
#pragma once

#include <string>

#include "gtest/gtest.h"
#include "platform/directory.h"
#include "platform/file.h"

namespace wasmagent::sandbox {

// Removed with the object.
class FakeMachine {
 public:
  FakeMachine() : root_(*platform::MakeTemporaryDirectory(testing::TempDir(), "machine")) {}
  ~FakeMachine() { (void)platform::RemoveTree(root_); }
  FakeMachine(const FakeMachine&) = delete;
  FakeMachine& operator=(const FakeMachine&) = delete;

  void Put(const std::string& path, std::string_view text) {
    std::string full = root_ + path;
    ASSERT_TRUE(platform::MakeDirectories(full.substr(0, full.rfind('/'))).ok());
    ASSERT_TRUE(platform::WriteFileAtomically(full, text, 0644, false).ok());
  }
  const std::string& root() const { return root_; }

 private:
  std::string root_;
};

}  // namespace wasmagent::sandbox
