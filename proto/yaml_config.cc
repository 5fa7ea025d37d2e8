#include "proto/yaml_config.h"

#include <limits>
#include <vector>

#include "fmt/format.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "yaml-cpp/yaml.h"

namespace wasmagent::config {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

// Nesting that is followed: the messages here are three deep, and a document must not exhaust the stack.
constexpr int kMaxDepth = 32;

// Fills messages from one document; knows its name for the errors.
class Filler {
 public:
  explicit Filler(const std::string& file_name) : file_name_(file_name) {}

  absl::Status Fill(const YAML::Node& node, Message* message, int depth) const;

 private:
  absl::Status ErrorAt(const YAML::Node& node, const std::string& what) const {
    YAML::Mark mark = node.Mark();
    if (mark.is_null()) return absl::InvalidArgumentError(fmt::format("{}: {}", file_name_, what));
    return absl::InvalidArgumentError(fmt::format("{}:{}:{}: {}", file_name_, mark.line + 1, mark.column + 1, what));
  }
  absl::Status FillField(const YAML::Node& value, const FieldDescriptor* field, Message* message, int depth) const;
  absl::Status FillMap(const YAML::Node& value, const FieldDescriptor* field, Message* message, int depth) const;
  absl::Status SetScalar(const YAML::Node& value, const FieldDescriptor* field, Message* message) const;
  absl::Status SetEnum(const YAML::Node& value, const FieldDescriptor* field, Message* message) const;
  template <typename T>
  absl::Status Read(const YAML::Node& value, const FieldDescriptor* field, const char* kind, T& out) const;

  const std::string& file_name_;
};

std::string KnownKeys(const Descriptor* type) {
  std::string keys;
  for (int i = 0; i < type->field_count(); ++i) {
    if (i > 0) keys += ", ";
    keys += type->field(i)->name();
  }
  return keys;
}

absl::Status Filler::Fill(const YAML::Node& node, Message* message, int depth) const {
  const Descriptor* type = message->GetDescriptor();
  if (depth > kMaxDepth) return ErrorAt(node, "nested too deeply");
  if (node.IsNull()) return absl::OkStatus();
  if (!node.IsMap()) return ErrorAt(node, fmt::format("expected a mapping with the keys of {}", type->name()));
  std::vector<const FieldDescriptor*> seen;
  for (const auto& pair : node) {
    if (!pair.first.IsScalar()) return ErrorAt(pair.first, "a key must be a plain word");
    const std::string& key = pair.first.Scalar();
    const FieldDescriptor* field = type->FindFieldByName(key);
    if (field == nullptr) {
      return ErrorAt(pair.first, fmt::format("unknown key '{}'; known here: {}", key, KnownKeys(type)));
    }
    for (const FieldDescriptor* earlier : seen) {
      if (earlier == field) return ErrorAt(pair.first, fmt::format("key '{}' is given twice", key));
    }
    seen.push_back(field);
    absl::Status status = FillField(pair.second, field, message, depth);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status Filler::FillField(const YAML::Node& value, const FieldDescriptor* field, Message* message,
                               int depth) const {
  const Reflection* reflection = message->GetReflection();
  if (value.IsNull()) return absl::OkStatus();
  if (field->is_map()) return FillMap(value, field, message, depth);
  if (field->is_repeated()) {
    if (!value.IsSequence()) return ErrorAt(value, fmt::format("'{}' must be a list", field->name()));
    reflection->ClearField(message, field);
    for (const auto& item : value) {
      absl::Status status = field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE
                                ? Fill(item, reflection->AddMessage(message, field), depth + 1)
                                : SetScalar(item, field, message);
      if (!status.ok()) return status;
    }
    return absl::OkStatus();
  }
  if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
    return Fill(value, reflection->MutableMessage(message, field), depth + 1);
  }
  return SetScalar(value, field, message);
}

absl::Status Filler::FillMap(const YAML::Node& value, const FieldDescriptor* field, Message* message, int depth) const {
  if (!value.IsMap()) return ErrorAt(value, fmt::format("'{}' must be a mapping", field->name()));
  const Reflection* reflection = message->GetReflection();
  const FieldDescriptor* key_field = field->message_type()->map_key();
  const FieldDescriptor* value_field = field->message_type()->map_value();
  reflection->ClearField(message, field);
  for (const auto& pair : value) {
    Message* entry = reflection->AddMessage(message, field);
    absl::Status status = SetScalar(pair.first, key_field, entry);
    if (status.ok()) status = FillField(pair.second, value_field, entry, depth + 1);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

template <typename T>
absl::Status Filler::Read(const YAML::Node& value, const FieldDescriptor* field, const char* kind, T& out) const {
  absl::Status wrong = ErrorAt(value, fmt::format("'{}' must be {}", field->name(), kind));
  // yaml-cpp takes "-1" for an unsigned number and turns it round.
  if (std::is_unsigned_v<T> && !std::is_same_v<T, bool> && value.Scalar().starts_with('-')) return wrong;
  if (!YAML::convert<T>::decode(value, out)) return wrong;
  return absl::OkStatus();
}

absl::Status Filler::SetEnum(const YAML::Node& value, const FieldDescriptor* field, Message* message) const {
  const auto* number = field->enum_type()->FindValueByName(value.Scalar());
  if (number == nullptr) return ErrorAt(value, fmt::format("'{}' knows no value '{}'", field->name(), value.Scalar()));
  const Reflection* reflection = message->GetReflection();
  if (field->is_repeated()) {
    reflection->AddEnum(message, field, number);
  } else {
    reflection->SetEnum(message, field, number);
  }
  return absl::OkStatus();
}

absl::Status Filler::SetScalar(const YAML::Node& value, const FieldDescriptor* field, Message* message) const {
  if (!value.IsScalar()) return ErrorAt(value, fmt::format("'{}' must be a single value", field->name()));
  const Reflection* reflection = message->GetReflection();
#define WASMAGENT_SET(Type, Name, kind)                        \
  {                                                            \
    Type out{};                                                \
    absl::Status status = Read<Type>(value, field, kind, out); \
    if (!status.ok()) return status;                           \
    if (field->is_repeated()) {                                \
      reflection->Add##Name(message, field, out);              \
    } else {                                                   \
      reflection->Set##Name(message, field, out);              \
    }                                                          \
    return absl::OkStatus();                                   \
  }
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      WASMAGENT_SET(int32_t, Int32, "a whole number")
    case FieldDescriptor::CPPTYPE_INT64:
      WASMAGENT_SET(int64_t, Int64, "a whole number")
    case FieldDescriptor::CPPTYPE_UINT32:
      WASMAGENT_SET(uint32_t, UInt32, "a whole number from 0 to 4294967295")
    case FieldDescriptor::CPPTYPE_UINT64:
      WASMAGENT_SET(uint64_t, UInt64, "a whole number, 0 or more")
    case FieldDescriptor::CPPTYPE_DOUBLE:
      WASMAGENT_SET(double, Double, "a number")
    case FieldDescriptor::CPPTYPE_FLOAT:
      WASMAGENT_SET(float, Float, "a number")
    case FieldDescriptor::CPPTYPE_BOOL:
      WASMAGENT_SET(bool, Bool, "true or false")
    case FieldDescriptor::CPPTYPE_ENUM:
      return SetEnum(value, field, message);
    case FieldDescriptor::CPPTYPE_STRING:
      if (field->is_repeated()) {
        reflection->AddString(message, field, value.Scalar());
      } else {
        reflection->SetString(message, field, value.Scalar());
      }
      return absl::OkStatus();
    case FieldDescriptor::CPPTYPE_MESSAGE:
      break;
  }
#undef WASMAGENT_SET
  return ErrorAt(value, fmt::format("'{}' must be a mapping", field->name()));
}

void Emit(const Message& message, YAML::Emitter& out);

// One value of a field; `index` is -1 for a singular one.
void EmitValue(const Message& message, const FieldDescriptor* field, int index, YAML::Emitter& out) {
  const Reflection* reflection = message.GetReflection();
#define WASMAGENT_GET(Name) \
  (index < 0 ? reflection->Get##Name(message, field) : reflection->GetRepeated##Name(message, field, index))
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      out << WASMAGENT_GET(Int32);
      break;
    case FieldDescriptor::CPPTYPE_INT64:
      out << WASMAGENT_GET(Int64);
      break;
    case FieldDescriptor::CPPTYPE_UINT32:
      out << WASMAGENT_GET(UInt32);
      break;
    case FieldDescriptor::CPPTYPE_UINT64:
      out << WASMAGENT_GET(UInt64);
      break;
    case FieldDescriptor::CPPTYPE_DOUBLE:
      out << WASMAGENT_GET(Double);
      break;
    case FieldDescriptor::CPPTYPE_FLOAT:
      out << WASMAGENT_GET(Float);
      break;
    case FieldDescriptor::CPPTYPE_BOOL:
      out << WASMAGENT_GET(Bool);
      break;
    case FieldDescriptor::CPPTYPE_ENUM:
      out << WASMAGENT_GET(Enum)->name();
      break;
    case FieldDescriptor::CPPTYPE_STRING:
      // Quoted, so that "yes", "1" and "" stay the strings they are.
      out << YAML::DoubleQuoted << WASMAGENT_GET(String);
      break;
    case FieldDescriptor::CPPTYPE_MESSAGE:
      Emit(WASMAGENT_GET(Message), out);
      break;
  }
#undef WASMAGENT_GET
}

void EmitField(const Message& message, const FieldDescriptor* field, YAML::Emitter& out) {
  out << YAML::Key << field->name() << YAML::Value;
  if (!field->is_repeated()) {
    EmitValue(message, field, -1, out);
    return;
  }
  int size = message.GetReflection()->FieldSize(message, field);
  if (!field->is_map()) {
    out << YAML::BeginSeq;
    for (int i = 0; i < size; ++i) EmitValue(message, field, i, out);
    out << YAML::EndSeq;
    return;
  }
  out << YAML::BeginMap;
  for (int i = 0; i < size; ++i) {
    const Message& entry = message.GetReflection()->GetRepeatedMessage(message, field, i);
    out << YAML::Key;
    EmitValue(entry, field->message_type()->map_key(), -1, out);
    out << YAML::Value;
    EmitValue(entry, field->message_type()->map_value(), -1, out);
  }
  out << YAML::EndMap;
}

void Emit(const Message& message, YAML::Emitter& out) {
  std::vector<const FieldDescriptor*> fields;
  message.GetReflection()->ListFields(message, &fields);
  out << YAML::BeginMap;
  for (const FieldDescriptor* field : fields) EmitField(message, field, out);
  out << YAML::EndMap;
}

}  // namespace

absl::Status FillFromYaml(const std::string& file_name, std::string_view text, Message* message) {
  try {
    // LoadAll, because Load silently drops every document after the first.
    std::vector<YAML::Node> documents = YAML::LoadAll(std::string(text));
    if (documents.empty()) return absl::OkStatus();
    if (documents.size() > 1) {
      return absl::InvalidArgumentError(
          fmt::format("{}: holds {} documents, expected one", file_name, documents.size()));
    }
    return Filler(file_name).Fill(documents[0], message, 0);
  } catch (const YAML::Exception& error) {
    return absl::InvalidArgumentError(
        fmt::format("{}:{}:{}: {}", file_name, error.mark.line + 1, error.mark.column + 1, error.msg));
  }
}

std::string ToYaml(const Message& message) {
  YAML::Emitter out;
  Emit(message, out);
  return std::string(out.c_str(), out.size()) + "\n";
}

}  // namespace wasmagent::config
