#include "agent/builds/compiler_cache_use.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "platform/file.h"

namespace wasmagent::builds {
namespace {

// What ccache 4.7 writes for a miss, a hit by the preprocessed text, a direct hit and a link.
constexpr char kLog[] =
    "# a.c\ncache_miss\ndirect_cache_miss\nlocal_storage_miss\nlocal_storage_write\npreprocessed_cache_miss\n"
    "# a.c\npreprocessed_cache_hit\ndirect_cache_miss\nlocal_storage_hit\n"
    "# a.c\ndirect_cache_hit\nlocal_storage_hit\nlocal_storage_read_hit\n"
    "# a.o\ncalled_for_link\n";

// Rule: each compilation counts once, whatever other counters it moves; a link counts as none.
TEST(CompilerCacheUseTest, CountsCompilations) {
  const CompilerCacheUse use = CountCompilerCacheUse(kLog);
  EXPECT_EQ(use.hits, 2u);
  EXPECT_EQ(use.misses, 1u);
  EXPECT_EQ(CountCompilerCacheUse("").hits, 0u);
  EXPECT_EQ(CountCompilerCacheUse("direct_cache_hit").hits, 1u);  // no end of line
  EXPECT_EQ(CountCompilerCacheUse("# direct_cache_hit\n").hits, 0u);
}

// Rule: a log is counted once; a link in its place is neither read nor followed.
TEST(CompilerCacheUseTest, TakesTheLogAway) {
  const std::string folder = testing::TempDir() + "cache-use";
  std::filesystem::remove_all(folder);
  std::filesystem::create_directory(folder);
  const std::string log = folder + "/" + kStatsLogName;
  EXPECT_EQ(TakeCompilerCacheUse(log).misses, 0u);
  ASSERT_TRUE(platform::WriteFileAtomically(log, kLog).ok());
  EXPECT_EQ(TakeCompilerCacheUse(log).misses, 1u);
  EXPECT_EQ(TakeCompilerCacheUse(log).misses, 0u);
  ASSERT_TRUE(platform::WriteFileAtomically(folder + "/elsewhere", kLog).ok());
  ASSERT_EQ(::symlink("elsewhere", log.c_str()), 0);
  EXPECT_EQ(TakeCompilerCacheUse(log).misses, 0u);
  EXPECT_TRUE(std::filesystem::exists(folder + "/elsewhere"));
}

}  // namespace
}  // namespace wasmagent::builds
