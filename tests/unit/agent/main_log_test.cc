#include "agent/main_log.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "spdlog/details/log_msg.h"

namespace wasmagent::agent {
namespace {

using ::testing::EndsWith;
using ::testing::StartsWith;

std::string Line(const std::string& log_format, const std::string& text) {
  spdlog::memory_buf_t out;
  MakeLogFormatter(log_format)->format(spdlog::details::log_msg("wasmagent", spdlog::level::warn, text), out);
  return std::string(out.data(), out.size());
}

// Whatever a message quotes, a line of the JSON log is one line and one object.
TEST(MainLog, JsonIsEscaped) {
  EXPECT_THAT(Line("json", "clang said:\n\t\"no such file\" C:\\x"),
              EndsWith(R"("message":"clang said:\u000a\u0009\"no such file\" C:\\x"})"
                       "\n"));
  EXPECT_THAT(Line("json", "plain"), StartsWith(R"({"time":")"));
  EXPECT_THAT(Line("json",
                   "Gr\xf6\xdf"
                   "e"),
              EndsWith("\"message\":\"Gr\xef\xbf\xbd\xef\xbf\xbd"
                       "e\"}\n"));
}

// Text stays as it is.
TEST(MainLog, TextIsPlain) { EXPECT_THAT(Line("text", "a \"b\""), EndsWith(" W a \"b\"\n")); }

}  // namespace
}  // namespace wasmagent::agent
