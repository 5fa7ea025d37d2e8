// One event a line, as protobuf's JSON: for programs.
#pragma once

#include "client/view/build_view.h"

namespace wasmagent::client {

class JsonView : public BuildView {
 public:
  // Borrows both: events go to `out`, notes to `errors`.
  JsonView(std::FILE* out, std::FILE* errors) : out_(out), errors_(errors) {}
  void Note(const std::string& text) override;
  void Event(const wasmagent::v1::BuildEvent& event) override;

 private:
  std::FILE* out_;
  std::FILE* errors_;
};

}  // namespace wasmagent::client
