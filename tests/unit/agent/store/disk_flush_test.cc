#include "agent/store/disk_flush.h"

#include <fcntl.h>

#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "platform/file.h"

namespace wasmagent::store {
namespace {

// Callers at once share flushes, and each sees one that began after it came.
TEST(DiskFlush, IsShared) {
  auto fd = platform::OpenAt(AT_FDCWD, ::testing::TempDir(), O_RDONLY | O_DIRECTORY).value();
  DiskFlush flush(fd.get());
  ASSERT_TRUE(flush.FlushAll().ok());
  EXPECT_EQ(flush.flushes(), 1U);
  std::vector<std::thread> callers;
  for (int i = 0; i < 16; ++i) callers.emplace_back([&] { EXPECT_TRUE(flush.FlushAll().ok()); });
  for (std::thread& caller : callers) caller.join();
  EXPECT_GE(flush.flushes(), 2U);
  EXPECT_LE(flush.flushes(), 17U);
}

}  // namespace
}  // namespace wasmagent::store
