#include "client/view/build_view.h"

#include <algorithm>

#include "fmt/format.h"

namespace wasmagent::client {
namespace {

absl::Duration FromProto(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos());
}

}  // namespace

const char* Verdict(wasmagent::v1::Outcome outcome) {
  switch (outcome) {
    case wasmagent::v1::OUTCOME_SUCCEEDED:
      return "succeeded";
    case wasmagent::v1::OUTCOME_CANCELLED:
      return "cancelled";
    case wasmagent::v1::OUTCOME_TIMED_OUT:
      return "timed out";
    case wasmagent::v1::OUTCOME_OUT_OF_MEMORY:
      return "out of memory";
    case wasmagent::v1::OUTCOME_INTERRUPTED:
      return "interrupted";
    default:
      return "failed";
  }
}

std::string FormatElapsed(absl::Duration time) {
  double seconds = absl::ToDoubleSeconds(time);
  if (seconds < 60) return fmt::format("{:.1f} s", seconds);
  auto whole = static_cast<int64_t>(seconds);
  return fmt::format("{} min {:02} s", whole / 60, whole % 60);
}

std::string FormatBytes(uint64_t bytes) {
  if (bytes < 1000) return fmt::format("{} B", bytes);
  double value = static_cast<double>(bytes);
  for (const char* unit : {"kB", "MB", "GB"}) {
    value /= 1000;
    if (value < 999.5) return fmt::format("{:.1f} {}", value, unit);
  }
  return fmt::format("{:.1f} TB", value / 1000);
}

std::string ProgressBar(uint64_t done, uint64_t total) {
  constexpr size_t kPlaces = 20;
  size_t filled = total == 0 ? 0 : static_cast<size_t>(std::min(done, total) * kPlaces / total);
  return fmt::format("[{}{}] {}/{}", std::string(filled, '#'), std::string(kPlaces - filled, '-'), done, total);
}

std::string Count(uint64_t number, std::string_view noun) {
  return fmt::format("{} {}{}", number, noun, number == 1 ? "" : "s");
}

std::string Printable(const std::string& text) {
  std::string clean;
  for (size_t i = 0; i < text.size(); ++i) {
    auto c = static_cast<unsigned char>(text[i]);
    if (c == 0x1b && i + 1 < text.size() && text[i + 1] == '[') {
      // A control sequence ends with a letter or its like.
      for (i += 2; i < text.size() && !(text[i] >= '@' && text[i] <= '~'); ++i) {
      }
    } else if (c >= 0x20 && c != 0x7f) {
      clean += text[i];
    } else if (c == '\t') {
      clean += "  ";
    }
  }
  return clean;
}

std::string DescribeStepEnd(const wasmagent::v1::StepEnded& ended) {
  if (ended.skipped()) return fmt::format("skipped: {}", ended.reason());
  std::string took = FormatElapsed(FromProto(ended.wall_time()));
  if (ended.signal() != 0) return fmt::format("killed by signal {} after {}", ended.signal(), took);
  if (ended.exit_code() != 0) return fmt::format("failed with exit code {} after {}", ended.exit_code(), took);
  std::string counts = DescribeCounts(ended);
  return fmt::format("done in {}{}{}", took, counts.empty() ? "" : ", " + counts,
                     ended.reason().empty() ? "" : " (" + ended.reason() + ")");
}

std::string DescribeCounts(const wasmagent::v1::StepEnded& ended) {
  std::string text = ended.compiled() == 0 ? "" : fmt::format("{} compiled", ended.compiled());
  if (ended.linked() != 0) text += fmt::format("{}{} linked", text.empty() ? "" : ", ", ended.linked());
  if (uint32_t cached = ended.compiler_cache_hits() + ended.compiler_cache_misses(); cached > 0) {
    text += fmt::format("{}ccache served {} of {}", text.empty() ? "" : ", ", ended.compiler_cache_hits(), cached);
  }
  return text;
}

std::string DescribeSynced(const wasmagent::v1::Synced& synced) {
  constexpr int kShownPaths = 3;
  if (!synced.warm()) return fmt::format("{} in a new workspace: {}", Count(synced.files(), "file"), synced.reason());
  std::string text;
  std::vector<std::string> paths;
  auto add = [&](uint64_t number, const char* what, const google::protobuf::RepeatedPtrField<std::string>& named) {
    if (number == 0) return;
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", number, what);
    for (const std::string& path : named) paths.push_back(Printable(path));
  };
  add(synced.changed(), "changed", synced.changed_paths());
  add(synced.added(), "added", synced.added_paths());
  add(synced.removed(), "removed", synced.removed_paths());
  add(synced.restored(), "restored", synced.restored_paths());
  if (text.empty()) return "no source file changed";
  text = fmt::format("sources: {}", text);
  for (size_t i = 0; i < paths.size() && i < kShownPaths; ++i) text += (i == 0 ? ": " : ", ") + paths[i];
  uint64_t all = synced.changed() + synced.added() + synced.removed() + synced.restored();
  return all > kShownPaths ? text + ", …" : text;
}

std::string DescribeTests(const wasmagent::v1::TestResults& results) {
  return fmt::format("{}: {}", results.target(), results.summary());
}

std::string DescribeEnd(const std::string& build_id, const wasmagent::v1::Ended& ended,
                        const std::vector<wasmagent::v1::EvidenceFile>& evidence) {
  std::string verdict = Verdict(ended.outcome());
  if (ended.outcome() == wasmagent::v1::OUTCOME_SUCCEEDED)
    return fmt::format("build {} succeeded", build_id.substr(0, 8));
  const wasmagent::v1::Cause& cause = ended.cause();
  std::string text = cause.summary().empty() ? verdict + ": no cause is known" : cause.summary();
  // "cancelled: by …" says it once.
  if (!text.starts_with(verdict)) text = fmt::format("{}: {}", verdict, text);
  text += "\n";
  if (!cause.excerpt().empty()) {
    std::string line;
    for (char c : cause.excerpt() + "\n") {
      if (c != '\n') {
        line += c;
        continue;
      }
      if (!line.empty()) text += "  | " + Printable(line) + "\n";
      line.clear();
    }
  }
  if (!cause.advice().empty()) text += fmt::format("  advice: {}\n", cause.advice());
  if (!evidence.empty()) {
    text += "  ";
    for (size_t i = 0; i < evidence.size(); ++i) text += (i == 0 ? "" : ", ") + Printable(evidence[i].path());
    text += fmt::format(" as a whole: wasmctl fetch {} --evidence\n", build_id.substr(0, 8));
  }
  return text + fmt::format("  the whole log: wasmctl logs {}", build_id.substr(0, 8));
}

}  // namespace wasmagent::client
