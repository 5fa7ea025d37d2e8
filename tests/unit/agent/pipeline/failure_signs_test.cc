#include "agent/pipeline/failure_signs.h"

#include <vector>

#include "gtest/gtest.h"

namespace wasmagent::pipeline {
namespace {

FailureSigns Seen(const std::string& toolchain, const std::vector<std::string>& lines) {
  FailureSigns signs(toolchain);
  for (const std::string& line : lines) signs.Take(line);
  return signs;
}

// The last limitation is the nearest to the failure.
TEST(FailureSigns, KeepsTheLastLimitation) {
  FailureSigns signs = Seen("wasi", {"RuntimeError: can't start new thread", "x", "call stack exhausted", "y"});
  ASSERT_TRUE(signs.limitation().has_value());
  EXPECT_EQ(signs.limitation()->line, "call stack exhausted");
  EXPECT_FALSE(Seen("native", {"call stack exhausted"}).limitation().has_value());
}

// Emscripten names the library in the line before, in its traceback or in the line itself.
TEST(FailureSigns, PortsThatCannotBeMade) {
  using Why = MissingPort::Why;
  struct Case {
    std::vector<std::string> lines;
    std::string name;
    Why why;
  };
  const std::vector<Case> cases = {
      {{"    ports.fetch_project('zlib', f'https://example.org/zlib')",
        "Exception: Attempt to lock the cache but FROZEN_CACHE is set"},
       "zlib",
       Why::kReadOnlyCache},
      {{"Exception: Attempt to lock the cache but FROZEN_CACHE is set"}, "", Why::kReadOnlyCache},
      {{"emcc: error: FROZEN_CACHE is set, but cache file is missing: \"sysroot/lib/wasm32-emscripten/libc-mt.a\" (in "
        "cache root path \"/c\")"},
       "libc-mt",
       Why::kReadOnlyCache},
      {{"ports:INFO: retrieving port: bzip2 from https://example.org/x.zip",
        "urllib.error.URLError: <urlopen error [Errno -2] Name or service not known>"},
       "bzip2",
       Why::kNoNetwork},
      {{"emcc: error: error with `--use-port=foo` | invalid port name: foo"}, "foo", Why::kUnknown},
      {{"emcc: error: Attempt to set a non-existent setting: 'USE_ZLOB'"}, "zlob", Why::kUnknown},
  };
  for (const Case& expected : cases) {
    FailureSigns signs = Seen("emscripten", expected.lines);
    ASSERT_TRUE(signs.port().has_value()) << expected.lines.back();
    EXPECT_EQ(signs.port()->name, expected.name);
    EXPECT_EQ(signs.port()->why, expected.why) << expected.lines.back();
    EXPECT_EQ(signs.port()->line, expected.lines.back());
    EXPECT_FALSE(Seen("wasi", expected.lines).port().has_value());
  }
}

// A download that worked, and a network error that is no port's, say nothing.
TEST(FailureSigns, APortThatIsMadeIsNoSign) {
  EXPECT_FALSE(Seen("emscripten",
                    {"ports:INFO: retrieving port: zlib from https://example.org", "ports:INFO: unpacking port: zlib",
                     "cache:INFO: generating port: sysroot/lib/libz.a... (this will be cached)"})
                   .port()
                   .has_value());
  EXPECT_FALSE(Seen("emscripten", {"curl: Temporary failure in name resolution"}).port().has_value());
}

// The first package that was looked for in vain.
TEST(FailureSigns, KeepsTheFirstPackage) {
  FailureSigns signs = Seen("wasi", {"No package 'foo' found", "No package 'zlib' found"});
  ASSERT_TRUE(signs.package().has_value());
  EXPECT_EQ(signs.package()->missing.name, "foo");
}

}  // namespace
}  // namespace wasmagent::pipeline
