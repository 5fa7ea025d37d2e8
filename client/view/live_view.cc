#include "client/view/live_view.h"

#include <wchar.h>

#include <algorithm>
#include <cwchar>

#include "fmt/format.h"

namespace wasmagent::client {
namespace {

constexpr size_t kTailLines = 12;  // of a failing step
constexpr size_t kShownLines = 3;  // of a running step
constexpr size_t kMaxLine = 4096;  // of output that has no line ends
constexpr absl::Duration kRedraw = absl::Milliseconds(100);

constexpr char kRed[] = "31";
constexpr char kGreen[] = "32";
constexpr char kYellow[] = "33";
constexpr char kDim[] = "2";

}  // namespace

LiveView::LiveView(std::FILE* out, bool color, std::function<int()> width, std::function<absl::Time()> now)
    : out_(out), color_(color), width_(std::move(width)), now_(std::move(now)), start_(now_()) {}

std::string LiveView::Paint(const char* color, const std::string& text) const {
  return color_ && *color != '\0' ? fmt::format("\x1b[{}m{}\x1b[0m", color, text) : text;
}

// Cut to the terminal's width, by the columns that its characters take: a line that wraps could not be erased. Goes by
// the locale, which main sets to UTF-8; a byte that is no text takes one column.
std::string LiveView::Fit(const std::string& text) const {
  int room = std::max(10, width_()) - 1;
  std::mbstate_t state = {};
  for (size_t i = 0; i < text.size();) {
    wchar_t character = 0;
    size_t length = std::mbrtowc(&character, text.data() + i, text.size() - i, &state);
    int columns = 1;
    if (length == 0 || length > text.size() - i) {  // also (size_t)-1 and -2
      length = 1;
      state = {};
    } else {
      columns = std::max(0, ::wcwidth(character));
    }
    room -= columns;
    if (room < 0) return text.substr(0, i);
    i += length;
  }
  return text;
}

void LiveView::Erase() {
  if (drawn_lines_ > 0) std::fprintf(out_, "\x1b[%dA\x1b[0J", drawn_lines_);
  drawn_lines_ = 0;
}

void LiveView::Print(const std::string& mark, const char* color, const std::string& text) {
  Erase();
  std::fprintf(out_, "%s %s\n", Paint(color, mark).c_str(), text.c_str());
  last_draw_ = absl::InfinitePast();
}

void LiveView::Draw() {
  if (closed_ || now_() - last_draw_ < kRedraw) return;
  Erase();
  last_draw_ = now_();
  const char* spinner[] = {"|", "/", "-", "\\"};
  const char* mark = spinner[frame_++ % 4];
  auto line = [this](const std::string& text) {
    std::fprintf(out_, "%s\n", text.c_str());
    ++drawn_lines_;
  };
  for (const auto& [number, step] : steps_) {
    line(Paint(kYellow, Fit(fmt::format("{} {}  {}  {} lines", mark, step.title, FormatElapsed(now_() - step.start),
                                        step.lines))));
    size_t shown = std::min(kShownLines, step.tail.size());
    for (size_t i = step.tail.size() - shown; i < step.tail.size(); ++i) line(Paint(kDim, Fit("    " + step.tail[i])));
  }
  if (steps_.empty()) line(Paint(kYellow, Fit(fmt::format("{} {}", mark, status_))));
  line(Paint(kDim, Fit(fmt::format("  {} elapsed; Ctrl-C to detach or cancel", FormatElapsed(now_() - start_)))));
  std::fflush(out_);
}

void LiveView::Log(const wasmagent::v1::LogChunk& chunk) {
  auto found = steps_.find(chunk.step());
  if (found == steps_.end()) return;
  Step& step = found->second;
  for (char c : chunk.data()) {
    if (c != '\n' && c != '\r' && step.partial.size() < kMaxLine) {
      step.partial += c;
      continue;
    }
    step.lines += c == '\n' ? 1 : 0;
    std::string text = Printable(step.partial);
    step.partial.clear();
    if (text.empty()) continue;
    step.tail.push_back(std::move(text));
    if (step.tail.size() > kTailLines) step.tail.pop_front();
  }
}

void LiveView::EndStep(const wasmagent::v1::StepEnded& ended) {
  auto found = steps_.find(ended.step());
  std::string title = found == steps_.end() ? fmt::format("step {}", ended.step()) : found->second.title;
  bool failed = !ended.skipped() && (ended.exit_code() != 0 || ended.signal() != 0);
  const char* mark = failed ? "x" : ended.skipped() ? "=" : "+";
  Print(mark, failed ? kRed : kGreen, fmt::format("{}  {}", title, DescribeStepEnd(ended)));
  if (found == steps_.end()) return;
  Step& step = found->second;
  if (!step.partial.empty()) step.tail.push_back(Printable(step.partial));
  if (failed) {
    for (const std::string& text : step.tail) Print(" ", "", "  | " + text);
  }
  steps_.erase(found);
}

void LiveView::Note(const std::string& text) { Print(">", kDim, text); }

void LiveView::Status(const std::string& text) {
  status_ = text;
  Draw();
}

void LiveView::Event(const wasmagent::v1::BuildEvent& event) {
  switch (event.event_case()) {
    case wasmagent::v1::BuildEvent::kQueued:
      status_ = fmt::format("queued, place {}: {}", event.queued().position(), event.queued().reason());
      break;
    case wasmagent::v1::BuildEvent::kStarted:
      steps_.clear();
      status_ = event.started().warm() ? "updating the warm workspace" : "filling a new workspace";
      if (event.started().attempt() > 1) Note(fmt::format("started again, attempt {}", event.started().attempt()));
      break;
    case wasmagent::v1::BuildEvent::kSynced: {
      const auto& synced = event.synced();
      bool differs = synced.changed() + synced.added() + synced.removed() + synced.restored() > 0;
      if (synced.warm() && differs) Note(DescribeSynced(synced));
      break;
    }
    case wasmagent::v1::BuildEvent::kStepStarted: {
      const auto& started = event.step_started();
      Step& step = steps_[started.step()];
      step = Step();
      step.title = started.target() + "/" + started.name();
      step.start = now_();
      break;
    }
    case wasmagent::v1::BuildEvent::kProgress: {
      const auto& p = event.progress();
      status_ = p.total() > 0 ? fmt::format("{} {} {}", p.activity(), ProgressBar(p.done(), p.total()), p.unit())
                              : fmt::format("{} {} {}", p.activity(), p.done(), p.unit());
      break;
    }
    case wasmagent::v1::BuildEvent::kLog:
      Log(event.log());
      break;
    case wasmagent::v1::BuildEvent::kStepEnded:
      EndStep(event.step_ended());
      break;
    case wasmagent::v1::BuildEvent::kArtifacts:
      Print("+", kGreen,
            fmt::format("{}  {}, {}", event.artifacts().target(), Count(event.artifacts().files(), "artifact"),
                        FormatBytes(event.artifacts().bytes())));
      break;
    case wasmagent::v1::BuildEvent::kTestResults:
      Print(event.test_results().failed() == 0 ? "+" : "-", event.test_results().failed() == 0 ? kGreen : kRed,
            DescribeTests(event.test_results()));
      break;
    case wasmagent::v1::BuildEvent::kNotice:
      Note(event.notice().text());
      break;
    default:
      break;  // diagnostics are shown in the log, the end by the command
  }
  Draw();
}

void LiveView::Tick() { Draw(); }

void LiveView::Close() {
  Erase();
  closed_ = true;
  std::fflush(out_);
}

}  // namespace wasmagent::client
