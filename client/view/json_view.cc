#include "client/view/json_view.h"

#include "google/protobuf/util/json_util.h"

namespace wasmagent::client {

void JsonView::Note(const std::string& text) { std::fprintf(errors_, "wasmctl: %s\n", text.c_str()); }

void JsonView::Event(const wasmagent::v1::BuildEvent& event) {
  std::string line;
  if (!google::protobuf::util::MessageToJsonString(event, &line).ok()) return;
  std::fprintf(out_, "%s\n", line.c_str());
  std::fflush(out_);
}

}  // namespace wasmagent::client
