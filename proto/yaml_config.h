// The contract's file form: a YAML document that fills a protobuf message, and the way back.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace google::protobuf {
class Message;
}

namespace wasmagent::config {

// Merges a YAML document into `message`. Keys are the fields' names in snake_case; a list fills a repeated field
// (replacing what was there), a mapping fills a message or a map field. An empty document changes nothing.
// INVALID_ARGUMENT as "<file>:<line>:<column>: <what is wrong>"; an unknown key is named together with those that are
// known. The message may have been filled in part when an error is returned.
absl::Status FillFromYaml(const std::string& file_name, std::string_view text, google::protobuf::Message* message);

// The message's set fields as YAML, in the order of their numbers; what FillFromYaml reads back. Ends with a newline.
std::string ToYaml(const google::protobuf::Message& message);

}  // namespace wasmagent::config
