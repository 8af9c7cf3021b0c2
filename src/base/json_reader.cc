// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/base/json_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "src/base/text.h"

namespace wgnet {
namespace {

// The parser makes some strings of std::string.
struct ParserString : SecretString {
  using SecretString::SecretString;
  // NOLINTBEGIN(google-explicit-constructor)
  ParserString(const std::string& text) : SecretString(text.begin(), text.end()) {}
  ParserString(SecretString text) : SecretString(std::move(text)) {}
  // NOLINTEND(google-explicit-constructor)
};
using Parser = nlohmann::basic_json<std::map, std::vector, ParserString>;

Error BadJson(std::string where, std::string message, std::string_view hint) {
  return {.code = ErrorCode::kParse,
          .message = std::move(message),
          .where = std::move(where),
          .hint = std::string(hint)};
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

// Builds the tree. The library's own may allocate, and so throw, when it is destroyed.
class TreeBuilder final : public nlohmann::json_sax<Parser> {
 public:
  bool null() override { return Add(JsonValue::Null()); }
  bool boolean(bool value) override { return Add(value); }
  bool number_integer(number_integer_t value) override { return Add(value); }
  bool number_unsigned(number_unsigned_t value) override { return Add(value); }
  bool number_float(number_float_t value, const string_t&) override { return Add(value); }
  bool string(string_t& value) override { return Add(SecretString(std::move(value))); }
  bool binary(binary_t&) override { return false; }  // no JSON text has one
  bool start_object(size_t) override { return Enter(JsonValue::Object()); }
  bool end_object() override { return Leave(); }
  bool start_array(size_t) override { return Enter(JsonValue::List()); }
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

  JsonValue TakeRoot() { return std::move(root_); }
  Error ErrorIn(std::string_view text) const {
    if (problem_) return *problem_;
    return BadJson(LineAndColumn(text, position_), "the document is malformed or ends too early",
                   "the document is JSON of RFC 8259");
  }

 private:
  struct Level {
    JsonValue value;
    std::string member;             // of an object: the last one
    std::set<std::string> members;  // of an object
  };

  template <class T>
  bool Add(T value) {
    return Place(JsonValue{std::move(value)});
  }

  bool Place(JsonValue value) {
    if (levels_.empty()) {
      root_ = std::move(value);
      return true;
    }
    Level& level = levels_.back();
    if (auto* list = std::get_if<JsonValue::List>(&level.value.value)) {
      list->push_back(std::move(value));
    } else if (auto* object = std::get_if<JsonValue::Object>(&level.value.value)) {
      object->push_back({std::move(level.member), std::move(value)});
    }
    return true;
  }

  template <class T>
  bool Enter(T value) {
    if (levels_.size() == kMostJsonDepth) {
      Fail(Path(), fmt::format("the document is nested more than {} levels deep", kMostJsonDepth));
      return false;
    }
    levels_.push_back({.value = JsonValue{std::move(value)}});
    return true;
  }

  bool Leave() {
    JsonValue value = std::move(levels_.back().value);
    levels_.pop_back();
    return Place(std::move(value));
  }

  // Of the value that comes next.
  std::string Path() const {
    std::string path;
    for (const Level& level : levels_) {
      const auto* list = level.value.As<JsonValue::List>();
      path = list != nullptr ? fmt::format("{}[{}]", path, list->size())
                             : JsonPath(path, level.member);
    }
    return path;
  }

  void Fail(std::string where, std::string message) {
    problem_ = BadJson(std::move(where), std::move(message), "see the JSON Schema of wgnet/1");
  }

  std::vector<Level> levels_;
  JsonValue root_;
  size_t position_ = 0;
  std::optional<Error> problem_;
};

}  // namespace

const JsonValue* JsonValue::Find(std::string_view member) const {
  const auto* object = As<Object>();
  if (object == nullptr) return nullptr;
  const auto found = std::find_if(object->begin(), object->end(),
                                  [&](const JsonMember& each) { return each.name == member; });
  return found == object->end() ? nullptr : &found->value;
}

std::string_view JsonValue::TypeName() const {
  constexpr std::string_view kNames[] = {"null",     "true or false", "a number", "a number",
                                         "a number", "a string",      "a list",   "an object"};
  static_assert(std::size(kNames) == std::variant_size_v<decltype(value)>);
  return kNames[value.index()];
}

std::string JsonPath(std::string_view path, std::string_view member) {
  constexpr size_t kLongest = 64;
  const bool plain = !member.empty() && member.size() <= kLongest && !MayHoldKey(member) &&
                     std::all_of(member.begin(), member.end(), [](unsigned char c) {
                       return c == '_' || (c < 0x80 && std::isalnum(c) != 0);
                     });
  if (!plain) return fmt::format("{}[{}]", path, QuoteForMessage(member));
  return path.empty() ? std::string(member) : fmt::format("{}.{}", path, member);
}

Result<JsonValue> ReadJson(std::string_view text) {
  if (text.size() > kMostJsonBytes) {
    return BadJson("1:1", "the document is larger than 64 MiB", "split the node by owners");
  }
  TreeBuilder builder;
  if (!Parser::sax_parse(text, &builder)) return builder.ErrorIn(text);
  return builder.TakeRoot();
}

}  // namespace wgnet
