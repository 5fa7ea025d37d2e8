// Texts of programs on their way into messages.
#pragma once

#include "google/protobuf/message.h"

namespace wasmagent::builds {

// Makes every string field of the message, at any depth, valid UTF-8. What compilers print and config.log quotes is in
// whatever encoding the sources are, and a message with such a string could be written and never read again. Bytes
// fields, the log above all, stay as they are.
void MakeTextValid(google::protobuf::Message& message);

}  // namespace wasmagent::builds
