#include "agent/builds/request_check.h"

#include <string_view>

#include "agent/pipeline/plan.h"
#include "content/digest.h"
#include "fmt/format.h"
#include "platform/status.h"

namespace wasmagent::builds {
namespace {

// Limits of what people write by hand; they keep a request far below what a record or a message could not hold.
constexpr int kMostTargets = 64;
constexpr int kMostArguments = 1024;
constexpr size_t kLongestValue = 32768;
constexpr size_t kLargestRequest = 1 << 20;  // more would not fit into a program's arguments and environment either
constexpr uint32_t kMostJobs = 4096;
constexpr int64_t kLongestTimeoutSeconds = int64_t{7} * 24 * 3600;

constexpr std::string_view kIdAlphabet = "abcdefghijklmnopqrstuvwxyz0123456789-";
constexpr std::string_view kNameAlphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

// What targets are asked for with: names and patterns over them.
constexpr std::string_view kTargetAlphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-*?[]!";

bool Consists(std::string_view text, std::string_view alphabet, size_t shortest, size_t longest) {
  return text.size() >= shortest && text.size() <= longest &&
         text.find_first_not_of(alphabet) == std::string_view::npos;
}

absl::Status CheckValue(std::string_view field, std::string_view value) {
  if (value.size() > kLongestValue) {
    return absl::InvalidArgumentError(
        fmt::format("{} has {} bytes; {} are allowed", field, value.size(), kLongestValue));
  }
  if (value.find('\0') != std::string_view::npos) {
    return absl::InvalidArgumentError(fmt::format("{} holds a NUL byte, which no argument can", field));
  }
  if (value.find(pipeline::kSourceRootMark) != std::string_view::npos) {
    return absl::InvalidArgumentError(fmt::format("{} holds the mark that stands for the workspace in plans", field));
  }
  return absl::OkStatus();
}

absl::Status CheckOptions(const wasmagent::v1::BuildOptions& options) {
  if (options.jobs() > kMostJobs) return absl::InvalidArgumentError(fmt::format("options.jobs is over {}", kMostJobs));
  if (options.has_timeout() &&
      (options.timeout().seconds() <= 0 || options.timeout().seconds() > kLongestTimeoutSeconds)) {
    return absl::InvalidArgumentError("options.timeout must be between one second and seven days");
  }
  if (options.env_size() > kMostArguments || options.configure_args_size() > kMostArguments ||
      options.make_args_size() > kMostArguments || options.action_args_size() > kMostArguments) {
    return absl::InvalidArgumentError(fmt::format("options has more than {} arguments or variables", kMostArguments));
  }
  for (const auto& [name, value] : options.env()) {
    if (name.empty() || name.find_first_of(std::string_view("=\0", 2)) != std::string::npos) {
      return absl::InvalidArgumentError(fmt::format("options.env: '{}' cannot be a variable's name", name));
    }
    RETURN_IF_ERROR(CheckValue("options.env." + name, value));
  }
  for (const std::string& argument : options.configure_args())
    RETURN_IF_ERROR(CheckValue("options.configure_args", argument));
  for (const std::string& argument : options.make_args()) RETURN_IF_ERROR(CheckValue("options.make_args", argument));
  for (const std::string& argument : options.action_args())
    RETURN_IF_ERROR(CheckValue("options.action_args", argument));
  if (!options.action().empty() && !Consists(options.action(), kNameAlphabet, 1, 128)) {
    return absl::InvalidArgumentError(fmt::format("options.action: '{}' cannot be an action's name", options.action()));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckIdPrefix(const std::string& prefix) {
  if (Consists(prefix, kIdAlphabet, 4, 64)) return absl::OkStatus();
  return absl::InvalidArgumentError("build_id must be 4 to 64 characters of [a-z0-9-]");
}

absl::Status CheckRequest(const wasmagent::v1::BuildRequest& request) {
  if (request.ByteSizeLong() > kLargestRequest) {
    return absl::InvalidArgumentError(
        fmt::format("build has {} bytes in all; {} are allowed", request.ByteSizeLong(), kLargestRequest));
  }
  if (!Consists(request.build_id(), kIdAlphabet, 8, 64)) {
    return absl::InvalidArgumentError("build.build_id must be 8 to 64 characters of [a-z0-9-], a UUID for example");
  }
  auto root = content::Digest::FromProto(request.root());
  if (!root.ok()) return platform::Annotate(root.status(), "build.root");
  if (!Consists(request.checkout().id(), kNameAlphabet, 1, 128)) {
    return absl::InvalidArgumentError("build.checkout.id must be 1 to 128 characters of [A-Za-z0-9._-]");
  }
  if (request.targets_size() == 0)
    return absl::InvalidArgumentError("build.targets is empty: name at least one target");
  if (request.targets_size() > kMostTargets) {
    return absl::InvalidArgumentError(fmt::format("build.targets has more than {} targets", kMostTargets));
  }
  for (const std::string& target : request.targets()) {
    if (!Consists(target, kTargetAlphabet, 1, 128)) {
      return absl::InvalidArgumentError(
          fmt::format("build.targets: '{}' can be neither a target's name nor a pattern", target));
    }
  }
  return CheckOptions(request.options());
}

}  // namespace wasmagent::builds
