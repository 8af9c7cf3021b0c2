// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/base/json_reader.h"

#include <fmt/format.h>
#include <rapidjson/reader.h>

#include <algorithm>
#include <cctype>
#include <iterator>
#include <optional>
#include <set>

#include "src/base/text.h"

namespace wgnet {
namespace {

Error BadJson(std::string where, std::string message, std::string_view hint) {
  return {.code = ErrorCode::kParse,
          .message = std::move(message),
          .where = std::move(where),
          .hint = std::string(hint)};
}

std::string LineAndColumn(std::string_view text, size_t position) {
  size_t line = 1;
  size_t column = 1;
  for (const char c : text.substr(0, position)) {
    column = c == '\n' ? 1 : column + 1;
    line += c == '\n' ? 1 : 0;
  }
  return fmt::format("{}:{}", line, column);
}

// RapidJSON 1.1 takes the second half of a surrogate pair alone, and writes what is no UTF-8.
bool HasSurrogate(std::string_view text) {
  const auto is_half = [](unsigned char first, unsigned char second) {
    return first == 0xed && second >= 0xa0;
  };
  return std::adjacent_find(text.begin(), text.end(), is_half) != text.end();
}

// Builds the tree, from what the parser calls.
class TreeBuilder {
 public:
  // NOLINTBEGIN(readability-identifier-naming)
  using Size = rapidjson::SizeType;
  bool Null() { return Add(JsonValue::Null()); }
  bool Bool(bool value) { return Add(value); }
  bool Int(int value) { return Add(int64_t{value}); }
  bool Uint(unsigned value) { return Add(uint64_t{value}); }
  bool Int64(int64_t value) { return Add(value); }
  bool Uint64(uint64_t value) { return Add(value); }
  bool Double(double value) { return Add(value); }
  bool RawNumber(const char*, Size, bool) { return false; }  // not asked for
  bool String(const char* text, Size size, bool) {
    return IsText({text, size}) && Add(SecretString(text, size));
  }
  bool StartObject() { return Enter(JsonValue::Object()); }
  bool Key(const char* text, Size size, bool) { return Name(std::string(text, size)); }
  bool EndObject(Size) { return Leave(); }
  bool StartArray() { return Enter(JsonValue::List()); }
  bool EndArray(Size) { return Leave(); }
  // NOLINTEND(readability-identifier-naming)

  JsonValue TakeRoot() { return std::move(root_); }
  const std::optional<Error>& problem() const { return problem_; }

 private:
  struct Level {
    JsonValue value;
    std::string member;             // of an object: the last one
    std::set<std::string> members;  // of an object
  };

  bool IsText(std::string_view text) {
    if (!HasSurrogate(text)) return true;
    Fail(Path(), "a string has half of a surrogate pair");
    return false;
  }

  bool Name(std::string name) {
    Level& level = levels_.back();
    level.member = std::move(name);
    if (!IsText(level.member)) return false;
    const bool fresh = level.members.insert(level.member).second;
    if (!fresh) Fail(Path(), "the member stands twice");
    return fresh;
  }

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

// The text is read in a copy, where the parser also writes the strings: nothing of it gets anywhere
// else.
Result<JsonValue> ReadJson(std::string_view text) {
  if (text.size() > kMostJsonBytes) {
    return BadJson("1:1", "the document is larger than 64 MiB", "split the node by owners");
  }
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  const size_t begin = text.starts_with(kByteOrderMark) ? kByteOrderMark.size() : 0;
  SecretBuffer copy;
  copy.Append(text.data(), text.size());
  copy.Append("", 1);
  rapidjson::InsituStringStream in(reinterpret_cast<char*>(copy.data()) + begin);
  rapidjson::Reader reader;
  TreeBuilder builder;
  constexpr unsigned kFlags = rapidjson::kParseInsituFlag | rapidjson::kParseValidateEncodingFlag;
  const auto result = reader.Parse<kFlags>(in, builder);
  const size_t end = text.find('\0');  // where the parser stops
  WipeVectorRegisters();
  if (builder.problem()) return *builder.problem();
  if (!result.IsError() && end == text.npos) return builder.TakeRoot();
  const size_t position = result.IsError() ? begin + result.Offset() : end;
  return BadJson(LineAndColumn(text, std::min(position, end)),
                 "the document is malformed or ends too early", "the document is JSON of RFC 8259");
}

}  // namespace wgnet
