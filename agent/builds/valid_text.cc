#include "agent/builds/valid_text.h"

#include <string>
#include <vector>

#include "content/utf8.h"
#include "google/protobuf/descriptor.h"

namespace wasmagent::builds {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// `index` is the place in a repeated field.
void MakeStringValid(Message& message, const FieldDescriptor* field, int index) {
  const auto& reflection = *message.GetReflection();
  std::string scratch;
  const std::string& text = field->is_repeated()
                                ? reflection.GetRepeatedStringReference(message, field, index, &scratch)
                                : reflection.GetStringReference(message, field, &scratch);
  if (content::IsUtf8(text)) return;
  if (field->is_repeated()) {
    reflection.SetRepeatedString(&message, field, index, content::ToUtf8(text));
  } else {
    reflection.SetString(&message, field, content::ToUtf8(text));
  }
}

}  // namespace

void MakeTextValid(Message& message) {
  const auto& reflection = *message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    int count = field->is_repeated() ? reflection.FieldSize(message, field) : 1;
    for (int i = 0; i < count; ++i) {
      if (field->type() == FieldDescriptor::TYPE_STRING) {
        MakeStringValid(message, field, i);
      } else if (field->type() == FieldDescriptor::TYPE_MESSAGE) {
        MakeTextValid(field->is_repeated() ? *reflection.MutableRepeatedMessage(&message, field, i)
                                           : *reflection.MutableMessage(&message, field));
      }
    }
  }
}

}  // namespace wasmagent::builds
