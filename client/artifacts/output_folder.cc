#include "client/artifacts/output_folder.h"

#include <string_view>

#include "fmt/format.h"

namespace wasmagent::client {
namespace {

// What targets may be called; see target files.
constexpr std::string_view kAlphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

}  // namespace

absl::StatusOr<std::string> OutputFolder(const std::string& checkout, const std::string& out,
                                         const std::string& target) {
  if (target.empty() || target[0] == '.' || target.find_first_not_of(kAlphabet) != std::string::npos) {
    return absl::DataLossError(fmt::format("the agent names '{}' as a target", target));
  }
  return fmt::format("{}/{}", out.empty() ? checkout + "/builddir" : out, target);
}

}  // namespace wasmagent::client
