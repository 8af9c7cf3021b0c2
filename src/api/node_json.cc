// SPDX-License-Identifier: MIT OR Apache-2.0
// Nodes as JSON of schema "wgnet/1", by the options that the builders list.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <type_traits>
#include <vector>

#include "src/base/json_writer.h"
#include "src/base/secret_memory.h"
#include "src/base/text.h"
#include "src/base/try.h"
#include "wgnet/node.h"

namespace wgnet {
namespace {

// Keys stand in the document, so its strings live in secret memory. The parser makes some of
// std::string.
struct JsonString : SecretString {
  using SecretString::SecretString;
  JsonString(const std::string& text) : SecretString(text.begin(), text.end()) {}
  JsonString(SecretString text) : SecretString(std::move(text)) {}
};
using Json = nlohmann::basic_json<std::map, std::vector, JsonString>;

constexpr std::string_view kSchema = "wgnet/1";
constexpr size_t kMostBytes = 64 << 20;
constexpr size_t kMostDepth = 32;

// ---- reading ----

Error BadJson(std::string where, std::string message, std::string hint) {
  return {.code = ErrorCode::kParse,
          .message = std::move(message),
          .where = std::move(where),
          .hint = std::move(hint)};
}

std::string LineAndColumn(std::string_view text, size_t position) {
  size_t line = 1;
  size_t column = 1;
  for (const char c : text.substr(0, position > 0 ? position - 1 : 0)) {
    column = c == '\n' ? 1 : column + 1;
    line += c == '\n' ? 1 : 0;
  }
  return fmt::format("{}:{}", line, column);
}

// A member as a step of a path; in quotes where it does not look like one.
std::string Step(std::string_view path, std::string_view member) {
  constexpr size_t kLongest = 64;
  const bool plain = !member.empty() && member.size() <= kLongest &&
                     std::all_of(member.begin(), member.end(), [](unsigned char c) {
                       return c == '_' || (c < 0x80 && std::isalnum(c) != 0);
                     });
  if (!plain) return fmt::format("{}[{}]", path, QuoteForMessage(member));
  return path.empty() ? std::string(member) : fmt::format("{}.{}", path, member);
}

// Finds the first mistake of a document: malformed, too deep, or a member given twice.
class Checker final : public nlohmann::json_sax<Json> {
 public:
  bool null() override { return Count(); }
  bool boolean(bool) override { return Count(); }
  bool number_integer(number_integer_t) override { return Count(); }
  bool number_unsigned(number_unsigned_t) override { return Count(); }
  bool number_float(number_float_t, const string_t&) override { return Count(); }
  bool string(string_t&) override { return Count(); }
  bool binary(binary_t&) override { return Count(); }
  bool start_object(size_t) override { return Enter(false); }
  bool end_object() override { return Leave(); }
  bool start_array(size_t) override { return Enter(true); }
  bool end_array() override { return Leave(); }
  bool key(string_t& name) override {
    Level& level = levels_.back();
    level.member = std::string_view(name);
    const bool fresh = level.members.insert(level.member).second;
    if (!fresh) Fail(Path(), "the member stands twice");
    return fresh;
  }
  bool parse_error(size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    position_ = position;
    return false;
  }

  Error ErrorIn(std::string_view text) const {
    if (problem_) return *problem_;
    return BadJson(LineAndColumn(text, position_), "the document is malformed or ends too early",
                   "the document is JSON of RFC 8259");
  }

 private:
  struct Level {
    bool is_list = false;
    size_t count = 0;  // of a list's values so far
    std::string member;
    std::set<std::string> members;
  };

  std::string Path() const {
    std::string path;
    for (const Level& level : levels_) {
      path =
          level.is_list ? fmt::format("{}[{}]", path, level.count - 1) : Step(path, level.member);
    }
    return path;
  }

  void Fail(std::string where, std::string message) {
    problem_ = BadJson(std::move(where), std::move(message), "see the JSON Schema of wgnet/1");
  }

  bool Count() {
    if (!levels_.empty() && levels_.back().is_list) ++levels_.back().count;
    return true;
  }
  bool Enter(bool is_list) {
    Count();
    if (levels_.size() == kMostDepth) {
      Fail(Path(), fmt::format("the document is nested more than {} levels deep", kMostDepth));
      return false;
    }
    levels_.push_back({.is_list = is_list});
    return true;
  }
  bool Leave() {
    levels_.pop_back();
    return true;
  }

  std::vector<Level> levels_;
  size_t position_ = 0;
  std::optional<Error> problem_;
};

std::string_view TypeName(const Json& json) {
  switch (json.type()) {
    case Json::value_t::object:
      return "an object";
    case Json::value_t::array:
      return "a list";
    case Json::value_t::string:
      return "a string";
    case Json::value_t::boolean:
      return "true or false";
    case Json::value_t::null:
      return "null";
    default:
      return "a number";
  }
}

Status WrongType(const Json& json, const std::string& path, std::string_view wanted) {
  return BadJson(path, fmt::format("{} stands where {} belongs", TypeName(json), wanted),
                 "see the JSON Schema of wgnet/1");
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
Status ReadObject(const Json& json, const std::string& path, Object& object);

template <class Builder>
Status Assign(Builder& builder, Builder& (Builder::*setter)(std::string_view), const Json& json,
              const std::string& path) {
  if (!json.is_string()) return WrongType(json, path, "a string");
  (builder.*setter)(json.get_ref<const JsonString&>());
  return MistakeOf(builder, path);
}

template <class Builder, std::integral Number>
Status Assign(Builder& builder, Builder& (Builder::*setter)(Number), const Json& json,
              const std::string& path) {
  if (!json.is_number_integer()) return WrongType(json, path, "a whole number");
  const bool negative = !json.is_number_unsigned();
  const auto value = json.get<int64_t>();
  if ((!negative && json.get<uint64_t>() > uint64_t{std::numeric_limits<Number>::max()}) ||
      (negative && value < int64_t{std::numeric_limits<Number>::min()})) {
    return BadJson(path, "the number is out of range", "see the JSON Schema of wgnet/1");
  }
  (builder.*setter)(static_cast<Number>(value));
  return MistakeOf(builder, path);
}

template <class Builder, class Part>
requires std::is_class_v<Part> Status Assign(Builder& builder, Builder& (Builder::*setter)(Part),
                                             const Json& json, const std::string& path) {
  Part part;
  WGNET_RETURN_IF_ERROR(ReadObject(json, path, part));
  (builder.*setter)(std::move(part));
  return MistakeOf(builder, path);
}

template <class T>
inline constexpr bool kIsList = false;
template <class T>
inline constexpr bool kIsList<std::vector<T>> = true;

template <class Value, class Builder, class Setter>
Status AssignOption(Builder& builder, Setter setter, const Json& json, const std::string& path) {
  if constexpr (!kIsList<Value>) {
    return Assign(builder, setter, json, path);
  } else {
    if (!json.is_array()) return WrongType(json, path, "a list");
    for (size_t i = 0; i < json.size(); ++i) {
      WGNET_RETURN_IF_ERROR(Assign(builder, setter, json[i], fmt::format("{}[{}]", path, i)));
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
Status ReadObject(const Json& json, const std::string& path, Object& object) {
  constexpr bool kRoot = std::is_same_v<Object, Node>;
  if (!json.is_object()) return WrongType(json, path, "an object");
  for (const auto& [name, value] : json.items()) {
    std::string known = kRoot ? "schema" : "";
    const std::string_view member(name);
    if ((!kRoot || member != "schema") && !HasOption<Object>(member, known)) {
      return BadJson(Step(path, member), "unknown member", "known here: " + known);
    }
  }
  Status status;
  Object::VisitOptions(object, [&](std::string_view name, auto setter, const auto& value) {
    if (!status) return;
    const auto found = json.find(JsonString(name));
    if (found == json.end()) return;
    status = AssignOption<std::decay_t<decltype(value)>>(object, setter, *found, Step(path, name));
  });
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

Result<Node> Node::FromJson(std::string_view text) {
  if (text.size() > kMostBytes) {
    return BadJson("1:1", "the document is larger than 64 MiB", "split the node by owners");
  }
  Checker checker;
  if (!Json::sax_parse(text, &checker)) {
    return checker.ErrorIn(text);
  }
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object() || !json.contains("schema") || json["schema"] != kSchema) {
    return BadJson("schema", "the document does not say that it is of schema wgnet/1",
                   R"(begin with { "schema": "wgnet/1", ... })");
  }
  Node node;
  WGNET_RETURN_IF_ERROR(ReadObject(json, "", node));
  return node;
}

}  // namespace wgnet
