#include "agent/builds/compiler_cache_use.h"

#include <unistd.h>

#include <algorithm>

#include "platform/file.h"

namespace wasmagent::builds {
namespace {

// 100 bytes a compilation: enough for half a million of them.
constexpr uint64_t kLargestLog = uint64_t{64} << 20;

}  // namespace

CompilerCacheUse CountCompilerCacheUse(std::string_view stats_log) {
  CompilerCacheUse use;
  while (!stats_log.empty()) {
    const std::string_view line = stats_log.substr(0, stats_log.find('\n'));
    stats_log.remove_prefix(std::min(line.size() + 1, stats_log.size()));
    // A hit moves one of these two counters, a miss moves the third; the rest say where and why.
    if (line == "direct_cache_hit" || line == "preprocessed_cache_hit") ++use.hits;
    if (line == "cache_miss") ++use.misses;
  }
  return use;
}

CompilerCacheUse TakeCompilerCacheUse(const std::string& path) {
  const auto text = platform::ReadRegularFile(path, kLargestLog);
  ::unlink(path.c_str());
  return text.ok() ? CountCompilerCacheUse(*text) : CompilerCacheUse{};
}

}  // namespace wasmagent::builds
