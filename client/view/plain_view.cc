#include "client/view/plain_view.h"

#include "fmt/format.h"

namespace wasmagent::client {

void PlainView::Line(const std::string& text) {
  if (!at_line_start_) std::fputc('\n', out_);
  at_line_start_ = true;
  std::fprintf(out_, "%s\n", text.c_str());
  std::fflush(out_);
}

void PlainView::Note(const std::string& text) { Line("wasmctl: " + text); }

void PlainView::Event(const wasmagent::v1::BuildEvent& event) {
  switch (event.event_case()) {
    case wasmagent::v1::BuildEvent::kQueued: {
      std::string line = fmt::format("queued, place {}: {}", event.queued().position(), event.queued().reason());
      if (line != queue_line_) Line(line);
      queue_line_ = line;
      break;
    }
    case wasmagent::v1::BuildEvent::kStarted:
      Line(fmt::format("started in {} workspace {}{}", event.started().warm() ? "warm" : "new",
                       event.started().workspace(),
                       event.started().attempt() > 1 ? fmt::format(", attempt {}", event.started().attempt()) : ""));
      break;
    case wasmagent::v1::BuildEvent::kSynced:
      Line(DescribeSynced(event.synced()));
      break;
    case wasmagent::v1::BuildEvent::kStepStarted: {
      const auto& step = event.step_started();
      steps_[step.step()] = step.target() + "/" + step.name();
      Line(fmt::format("{}: started", steps_[step.step()]));
      break;
    }
    case wasmagent::v1::BuildEvent::kLog: {
      const std::string& data = event.log().data();
      if (event.log().omitted_before() > 0)
        Line(fmt::format("[{} bytes of the log are left out]", event.log().omitted_before()));
      std::fwrite(data.data(), 1, data.size(), out_);
      if (!data.empty()) at_line_start_ = data.back() == '\n';
      std::fflush(out_);
      break;
    }
    case wasmagent::v1::BuildEvent::kStepEnded:
      Line(fmt::format("{}: {}", steps_[event.step_ended().step()], DescribeStepEnd(event.step_ended())));
      break;
    case wasmagent::v1::BuildEvent::kArtifacts:
      Line(fmt::format("{}: {}, {}", event.artifacts().target(), Count(event.artifacts().files(), "artifact"),
                       FormatBytes(event.artifacts().bytes())));
      break;
    case wasmagent::v1::BuildEvent::kTestResults:
      Line(DescribeTests(event.test_results()));
      break;
    case wasmagent::v1::BuildEvent::kNotice:
      Line(event.notice().text());
      break;
    default:
      break;  // progress is for eyes, diagnostics stand in the log, and the end is told by the command
  }
}

}  // namespace wasmagent::client
