// The view of a terminal: finished steps scroll up, what runs is drawn below them and redrawn.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "client/view/build_view.h"

namespace wasmagent::client {

class LiveView : public BuildView {
 public:
  // Borrows the stream. `width` tells the terminal's columns, asked before each drawing; `now` the time.
  LiveView(std::FILE* out, bool color, std::function<int()> width, std::function<absl::Time()> now);
  void Note(const std::string& text) override;
  void Status(const std::string& text) override;
  void Event(const wasmagent::v1::BuildEvent& event) override;
  void Tick() override;
  void Close() override;

 private:
  struct Step {
    std::string title;
    absl::Time start;
    uint64_t lines = 0;
    std::deque<std::string> tail;  // its last lines
    std::string partial;           // a line that has not ended
  };

  void Log(const wasmagent::v1::LogChunk& chunk);
  void EndStep(const wasmagent::v1::StepEnded& ended);
  // Prints a line that stays, above what is redrawn.
  void Print(const std::string& mark, const char* color, const std::string& text);
  void Draw();
  void Erase();
  std::string Fit(const std::string& text) const;
  std::string Paint(const char* color, const std::string& text) const;

  std::FILE* out_;
  bool color_;
  std::function<int()> width_;
  std::function<absl::Time()> now_;
  absl::Time start_;
  absl::Time last_draw_ = absl::InfinitePast();
  std::map<uint32_t, Step> steps_;  // those that run
  std::string status_ = "waiting for the agent";
  int drawn_lines_ = 0;
  unsigned frame_ = 0;
  bool closed_ = false;
};

}  // namespace wasmagent::client
