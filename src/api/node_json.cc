// SPDX-License-Identifier: MIT OR Apache-2.0
// Nodes as JSON of schema "wgnet/1", by the options that the builders list.
#include <fmt/format.h>

#include <concepts>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "src/base/json_reader.h"
#include "src/base/json_writer.h"
#include "src/base/no_memory.h"
#include "src/base/try.h"
#include "wgnet/node.h"

namespace wgnet {
namespace {

constexpr std::string_view kSchema = "wgnet/1";

// ---- reading ----

constexpr std::string_view kSeeSchema = "see the JSON Schema of wgnet/1";

Error BadJson(std::string where, std::string message, std::string_view hint = kSeeSchema) {
  return {.code = ErrorCode::kParse,
          .message = std::move(message),
          .where = std::move(where),
          .hint = std::string(hint)};
}

Error WrongType(const JsonValue& json, const std::string& path, std::string_view wanted) {
  return BadJson(path, fmt::format("{} stands where {} belongs", json.TypeName(), wanted));
}

// Moves a builder's mistake to the path that it came from.
template <class Builder>
Status MistakeOf(const Builder& builder, const std::string& path) {
  if constexpr (requires { builder.error(); }) {
    if (!builder.error()) return {};
    Error error = *builder.error();
    error.code = ErrorCode::kParse;
    error.where = path;
    return error;
  }
  return {};
}

template <class Object>
Status ReadObject(const JsonValue& json, const std::string& path, Object& object);

template <class Builder>
Status Assign(Builder& builder, Builder& (Builder::*setter)(std::string_view),
              const JsonValue& json, const std::string& path) {
  const auto* text = json.As<SecretString>();
  if (text == nullptr) return WrongType(json, path, "a string");
  (builder.*setter)(*text);
  return MistakeOf(builder, path);
}

template <class Builder>
Status Assign(Builder& builder, Builder& (Builder::*setter)(bool), const JsonValue& json,
              const std::string& path) {
  const auto* value = json.As<bool>();
  if (value == nullptr) return WrongType(json, path, "true or false");
  (builder.*setter)(*value);
  return MistakeOf(builder, path);
}

template <class Builder, std::integral Number>
Status Assign(Builder& builder, Builder& (Builder::*setter)(Number), const JsonValue& json,
              const std::string& path) {
  const auto* negative = json.As<int64_t>();
  const auto* positive = json.As<uint64_t>();
  if (negative == nullptr && positive == nullptr) return WrongType(json, path, "a whole number");
  const bool fits =
      positive != nullptr ? std::in_range<Number>(*positive) : std::in_range<Number>(*negative);
  if (!fits) return BadJson(path, "the number is out of range");
  (builder.*setter)(static_cast<Number>(positive != nullptr ? *positive : *negative));
  return MistakeOf(builder, path);
}

template <class Builder, class Part>
requires std::is_class_v<Part> Status Assign(Builder& builder, Builder& (Builder::*setter)(Part),
                                             const JsonValue& json, const std::string& path) {
  Part part;
  WGNET_RETURN_IF_ERROR(ReadObject(json, path, part));
  (builder.*setter)(std::move(part));
  return MistakeOf(builder, path);
}

template <class T>
inline constexpr bool kIsList = false;
template <class T>
inline constexpr bool kIsList<std::vector<T>> = true;

template <class T>
inline constexpr bool kIsOptional = false;
template <class T>
inline constexpr bool kIsOptional<std::optional<T>> = true;

template <class Value, class Builder, class Setter>
Status AssignOption(Builder& builder, Setter setter, const JsonValue& json,
                    const std::string& path) {
  if constexpr (!kIsList<Value>) {
    return Assign(builder, setter, json, path);
  } else {
    const auto* list = json.As<JsonValue::List>();
    if (list == nullptr) return WrongType(json, path, "a list");
    for (size_t i = 0; i < list->size(); ++i) {
      WGNET_RETURN_IF_ERROR(Assign(builder, setter, (*list)[i], fmt::format("{}[{}]", path, i)));
    }
    return {};
  }
}

template <class Object>
bool HasOption(std::string_view name, std::string& all) {
  bool has = false;
  Object object;
  Object::VisitOptions(object, [&](std::string_view option, auto, const auto&) {
    has = has || option == name;
    all += (all.empty() ? "" : ", ") + std::string(option);
  });
  return has;
}

template <class Object>
Status ReadObject(const JsonValue& json, const std::string& path, Object& object) {
  constexpr bool kRoot = std::is_same_v<Object, Node>;
  const auto* members = json.As<JsonValue::Object>();
  if (members == nullptr) return WrongType(json, path, "an object");
  for (const auto& [member, value] : *members) {
    std::string known = kRoot ? "schema" : "";
    if ((!kRoot || member != "schema") && !HasOption<Object>(member, known)) {
      return BadJson(JsonPath(path, member), "unknown member", "known here: " + known);
    }
  }
  Status status;
  std::string missing;
  Object::VisitOptions(object, [&](std::string_view name, auto setter, const auto& value) {
    if (!status) return;
    using Value = std::decay_t<decltype(value)>;
    const JsonValue* found = json.Find(name);
    if (found != nullptr) {
      status = AssignOption<Value>(object, setter, *found, JsonPath(path, name));
    } else if (!kIsList<Value> && !kIsOptional<Value>) {
      if (missing.empty()) missing = JsonPath(path, name);
    }
  });
  if (status && !missing.empty()) return BadJson(missing, "the member is missing", "add it");
  return status;
}

// ---- writing ----

class Writer {
 public:
  Writer(Secrets secrets, JsonWriter& out) : secrets_(secrets), out_(out) {}

  template <class Object>
  void Members(const Object& object) {
    Object::VisitOptions(object, [&](std::string_view name, auto, const auto& value) {
      if (!IsSet(value)) return;
      out_.Key(name);
      Value(value);
    });
  }

 private:
  template <class T>
  bool IsSet(const std::optional<T>& value) const {
    return value && IsSet(*value);
  }
  template <class T>
  bool IsSet(const std::vector<T>& list) const {
    return !list.empty();
  }
  bool IsSet(const SecretKey&) const { return secrets_ == Secrets::kReveal; }
  template <class T>
  bool IsSet(const T&) const {
    return true;
  }

  template <class T>
  void Value(const std::optional<T>& value) {
    Value(*value);
  }
  template <class T>
  void Value(const std::vector<T>& list) {
    out_.Array([&] {
      for (const T& item : list) Value(item);
    });
  }
  template <std::integral T>
  void Value(T number) {
    out_.Number(number);
  }
  void Value(bool value) { out_.Bool(value); }
  void Value(DnsBackend backend) { out_.String(DnsBackendName(backend)); }
  void Value(const std::string& text) { out_.String(text); }
  void Value(const SecretKey& key) { out_.String(key.Reveal()); }
  void Value(const PolicyRoute::Mark& mark) {
    out_.String(mark.mask == UINT32_MAX ? fmt::format("{:#x}", mark.value)
                                        : fmt::format("{:#x}/{:#x}", mark.value, mark.mask));
  }
  template <class T>
  requires requires(const T& t) { t.ToString(); }
  void Value(const T& value) { out_.String(value.ToString()); }
  template <class T>
  requires requires(const T& t) {
    T::VisitOptions(t, [](auto...) {});
  }
  void Value(const T& object) {
    out_.Object([&] { Members(object); });
  }

  Secrets secrets_;
  JsonWriter& out_;
};

}  // namespace

std::string Node::ToJson(Secrets secrets) const {
  JsonWriter out;
  out.Object([&] {
    out.Key("schema").String(kSchema);
    Writer(secrets, out).Members(*this);
  });
  return out.text();
}

namespace {

Result<Node> ReadNode(std::string_view text) {
  WGNET_ASSIGN_OR_RETURN(const JsonValue json, ReadJson(text));
  const JsonValue* schema = json.Find("schema");
  const auto* name = schema != nullptr ? schema->As<SecretString>() : nullptr;
  if (name == nullptr || std::string_view(*name) != kSchema) {
    return BadJson("schema", "the document does not say that it is of schema wgnet/1",
                   R"(begin with { "schema": "wgnet/1", ... })");
  }
  Node node;
  WGNET_RETURN_IF_ERROR(ReadObject(json, "", node));
  return node;
}

}  // namespace

Result<Node> Node::FromJson(std::string_view text) {
  return CatchNoMemory([&] { return ReadNode(text); });
}

}  // namespace wgnet
