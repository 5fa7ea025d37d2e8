// What ccache did for a step.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace wasmagent::builds {

// Name of the log that ccache writes, in the workspace's folder for temporary files.
inline constexpr char kStatsLogName[] = "ccache-stats";

// Compilations that were looked up in the compiler cache. Those that it does not serve (links, preprocessing alone,
// configure's odd ones) are in neither number.
struct CompilerCacheUse {
  uint32_t hits = 0;
  uint32_t misses = 0;
};

// Counts in a log that ccache writes with CCACHE_STATSLOG: a "# file" line for each call and the names of the counters
// that it moved, one a line (ccache 4.4 and later; its manual, "stats_log").
CompilerCacheUse CountCompilerCacheUse(std::string_view stats_log);

// Reads the log at `path` and removes it, so that the next step begins a new one. No log is no use of the cache; one
// that cannot be read is as good as none, for the numbers only inform. A link that a build has put there is not
// followed.
CompilerCacheUse TakeCompilerCacheUse(const std::string& path);

}  // namespace wasmagent::builds
