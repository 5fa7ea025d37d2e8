#include "platform/file_lock.h"

#include "gtest/gtest.h"

namespace wasmagent::platform {
namespace {

// A lock excludes others, within a process too, until it is dropped.
TEST(FileLock, Excludes) {
  std::string path = ::testing::TempDir() + "/file_lock_test.lock";
  {
    auto first = FileLock::TryAcquire(path);
    ASSERT_TRUE(first.ok()) << first.status();
    EXPECT_EQ(FileLock::TryAcquire(path).status().code(), absl::StatusCode::kUnavailable);
  }
  EXPECT_TRUE(FileLock::TryAcquire(path).ok());
  EXPECT_TRUE(FileLock::Acquire(path).ok());
}

}  // namespace
}  // namespace wasmagent::platform
