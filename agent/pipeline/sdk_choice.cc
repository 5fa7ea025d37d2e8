#include "agent/pipeline/sdk_choice.h"

#include <algorithm>

#include "absl/status/status.h"
#include "agent/pipeline/probe_command.h"
#include "agent/pipeline/wasi_sdk.h"
#include "fmt/format.h"
#include "fmt/ranges.h"
#include "platform/status.h"
#include "platform/version_number.h"

namespace wasmagent::pipeline {
namespace {

std::string KindName(const std::string& kind) { return kind == "wasi" ? "WASI SDK" : "Emscripten SDK"; }

std::string Remedy(const std::string& kind) {
  return kind == "wasi" ? "unpack release 24 of https://github.com/WebAssembly/wasi-sdk and let WASI_SDK_PATH name it"
                        : "install another one with emsdk (./emsdk install VERSION, ./emsdk activate VERSION) and let "
                          "EMSDK name it";
}

// The version that rules speak of; empty when the SDK does not tell.
std::string ReleaseOf(const Toolchain& sdk) {
  if (sdk.kind == "emscripten") return FirstVersion(sdk.version);
  const int major = sdk.kind == "wasi" ? WasiSdkMajor(sdk) : 0;
  if (major == 0) return "";
  const std::string number = FirstVersion(sdk.version);
  return platform::VersionBelongsTo(number, fmt::format("{}", major)) ? number : fmt::format("{}", major);
}

// Empty, or why the target must not be built with this SDK.
std::string RuleProblem(const TargetTemplate& target, const Toolchain& sdk) {
  if (!sdk.usable) return sdk.problem;
  const std::string release = ReleaseOf(sdk);
  if (release.empty()) return "";
  const std::string kind = KindName(sdk.kind);
  for (const auto& [version, reason] : target.refused_sdks) {
    if (!platform::VersionBelongsTo(release, version)) continue;
    return fmt::format("target '{}' must not be built with {} {}, which is in {}: {}; {}", target.name, kind, version,
                       sdk.path, reason, Remedy(sdk.kind));
  }
  if (!target.minimum_sdk.empty() && platform::VersionPrecedes(release, target.minimum_sdk)) {
    const std::string reason = target.minimum_sdk_reason.empty() ? "" : ": " + target.minimum_sdk_reason;
    return fmt::format("target '{}' needs {} {} of version {} or newer{}; {} is {}; {}", target.name,
                       sdk.kind == "wasi" ? "a" : "an", kind, target.minimum_sdk, reason, sdk.path, sdk.version,
                       Remedy(sdk.kind));
  }
  if (!target.sdk.empty() && !platform::VersionBelongsTo(release, target.sdk)) {
    return fmt::format("target '{}' names {} {}; {} is {}; {}", target.name, kind, target.sdk, sdk.path, sdk.version,
                       Remedy(sdk.kind));
  }
  return "";
}

bool IsPreferred(const TargetTemplate& target, const Toolchain& sdk) {
  const std::string release = ReleaseOf(sdk);
  return !target.preferred_sdk.empty() && !release.empty() && platform::VersionBelongsTo(release, target.preferred_sdk);
}

bool GoesBefore(const TargetTemplate& target, const Toolchain& a, const Toolchain& b) {
  if (IsPreferred(target, a) != IsPreferred(target, b)) return IsPreferred(target, a);
  const std::string ours = ReleaseOf(a);
  const std::string theirs = ReleaseOf(b);
  return !ours.empty() && !theirs.empty() && platform::VersionPrecedes(theirs, ours);
}

std::string WhyChosen(const TargetTemplate& target, const Toolchain& chosen) {
  if (!target.sdk.empty()) return fmt::format("version {}, which the target names", target.sdk);
  if (IsPreferred(target, chosen)) return fmt::format("version {}, which the target prefers", target.preferred_sdk);
  return "the newest that it may be built with";
}

}  // namespace

absl::StatusOr<SdkChoice> ChooseSdk(const TargetTemplate& target, const ToolchainInventory& inventory) {
  SdkChoice choice;
  std::vector<std::string> problems, passed_over;
  std::vector<const Toolchain*> allowed;
  for (const Toolchain& sdk : inventory.toolchains) {
    if (sdk.kind != target.toolchain) continue;
    const std::string problem = RuleProblem(target, sdk);
    if (problem.empty()) {
      allowed.push_back(&sdk);
    } else {
      problems.push_back(problem);
      passed_over.push_back(fmt::format("passed over: {}", problem));
    }
  }
  if (allowed.empty()) {
    if (problems.empty()) problems.push_back(fmt::format("this agent has no {} toolchain", target.toolchain));
    return absl::FailedPreconditionError(fmt::format("{}", fmt::join(problems, "\n")));
  }
  choice.toolchain = *std::min_element(allowed.begin(), allowed.end(), [&](const Toolchain* a, const Toolchain* b) {
    return GoesBefore(target, *a, *b);
  });
  const Toolchain& chosen = *choice.toolchain;
  choice.among_several = allowed.size() > 1 || !problems.empty();
  choice.remarks.push_back(fmt::format("toolchain: {} ({}){}", chosen.path, chosen.version,
                                       choice.among_several ? ": " + WhyChosen(target, chosen) : ""));
  for (const Toolchain* other : allowed) {
    if (other == choice.toolchain) continue;
    choice.remarks.push_back(fmt::format("passed over: {} ({})", other->path, other->version));
  }
  choice.remarks.insert(choice.remarks.end(), passed_over.begin(), passed_over.end());
  return choice;
}

}  // namespace wasmagent::pipeline
