// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/base/json_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <iterator>
#include <optional>
#include <set>
#include <system_error>

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

bool IsDigit(int c) { return c >= '0' && c <= '9'; }

// Reads a document from its first byte on. What it has read is in secret memory, or in the text.
class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {
    constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
    if (text.starts_with(kByteOrderMark)) at_ = kByteOrderMark.size();
  }

  Result<JsonValue> Read() {
    JsonValue root;
    if (!ReadValue(root)) return TakeError();
    SkipBlanks();
    if (at_ != text_.size()) return TakeError();
    return root;
  }

 private:
  static constexpr int kEnd = -1;

  // Where the parser is, on one level of nesting.
  struct Level {
    std::optional<size_t> index;      // of a list: the next
    std::string member{};             // of an object: the last one
    std::set<std::string> members{};  // of an object
  };

  // ---- bytes ----

  int Peek() const { return at_ < text_.size() ? static_cast<unsigned char>(text_[at_]) : kEnd; }
  bool Take(char c) {
    if (Peek() != c) return false;
    ++at_;
    return true;
  }
  bool TakeWord(std::string_view word) {
    return std::all_of(word.begin(), word.end(), [this](char c) { return Take(c); });
  }
  void SkipBlanks() {
    while (Peek() == ' ' || Peek() == '\t' || Peek() == '\n' || Peek() == '\r') ++at_;
  }
  bool TakeDigits() {
    const size_t begin = at_;
    while (IsDigit(Peek())) ++at_;
    return at_ != begin;
  }

  // ---- values ----

  bool ReadValue(JsonValue& out) {
    SkipBlanks();
    switch (Peek()) {
      case '{':
        return ReadNested({}, out.value.emplace<JsonValue::Object>(), '}');
      case '[':
        return ReadNested({.index = 0}, out.value.emplace<JsonValue::List>(), ']');
      case '"':
        return ReadString(out.value.emplace<SecretString>());
      case 't':
        out.value = true;
        return TakeWord("true");
      case 'f':
        out.value = false;
        return TakeWord("false");
      case 'n':
        return TakeWord("null");
      default:
        return ReadNumber(out);
    }
  }

  template <class List>
  bool ReadNested(Level level, List& list, char end) {
    if (levels_.size() == kMostJsonDepth) {
      return Fail(fmt::format("the document is nested more than {} levels deep", kMostJsonDepth));
    }
    levels_.push_back(std::move(level));
    ++at_;
    SkipBlanks();
    if (!Take(end)) {
      do {
        if (!ReadItem(list.emplace_back())) return false;
        SkipBlanks();
      } while (Take(','));
      if (!Take(end)) return false;
    }
    levels_.pop_back();
    return true;
  }

  bool ReadItem(JsonValue& item) {
    if (!ReadValue(item)) return false;
    ++*levels_.back().index;
    return true;
  }

  bool ReadItem(JsonMember& item) {
    SecretString name;
    SkipBlanks();
    if (!ReadString(name)) return false;
    Level& level = levels_.back();
    item.name = level.member = std::string_view(name);
    if (!level.members.insert(level.member).second) return Fail("the member stands twice");
    SkipBlanks();
    return Take(':') && ReadValue(item.value);
  }

  // An integer that fits into 64 bits is one; any other number is a double.
  bool ReadNumber(JsonValue& out) {
    const size_t begin = at_;
    const bool negative = Take('-');
    if (!Take('0') && !TakeDigits()) return false;
    bool whole = true;
    if (Take('.')) {
      whole = false;
      if (!TakeDigits()) return false;
    }
    if (Take('e') || Take('E')) {
      whole = false;
      if (!Take('+')) Take('-');
      if (!TakeDigits()) return false;
    }
    const std::string_view number = text_.substr(begin, at_ - begin);
    if (whole && negative && Convert<int64_t>(number, out)) return true;
    if (whole && !negative && Convert<uint64_t>(number, out)) return true;
    return Convert<double>(number, out);
  }

  template <class T>
  static bool Convert(std::string_view number, JsonValue& out) {
    T value;
    const auto result = std::from_chars(number.data(), number.data() + number.size(), value);
    if (result.ec != std::errc()) return false;
    out.value = value;
    return true;
  }

  // ---- strings ----

  bool ReadString(SecretString& out) {
    if (!Take('"')) return false;
    out.reserve(std::min(text_.find('"', at_), text_.size()) - at_);
    while (!Take('"')) {
      const int c = Peek();
      const bool read = c == '\\' ? ReadEscape(out) : c >= 0x80 ? ReadUtf8(out) : ReadPlain(out);
      if (!read) return false;
    }
    return true;
  }

  bool ReadPlain(SecretString& out) {
    if (Peek() < 0x20) return false;  // the end, too
    out += text_[at_++];
    return true;
  }

  bool ReadEscape(SecretString& out) {
    constexpr std::string_view kLetters = "\"\\/bfnrt";
    constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
    ++at_;
    if (Take('u')) return ReadCodeUnits(out);
    const size_t which = Peek() == kEnd ? kLetters.npos : kLetters.find(text_[at_]);
    if (which == kLetters.npos) return false;
    out += kMeanings[which];
    ++at_;
    return true;
  }

  // One code unit of UTF-16, or two that belong together.
  bool ReadCodeUnits(SecretString& out) {
    uint32_t unit = 0;
    uint32_t second = 0;
    if (!ReadHex(unit)) return false;
    if (unit < 0xd800 || unit > 0xdfff) return AppendUtf8(unit, out);
    if (unit > 0xdbff || !TakeWord("\\u") || !ReadHex(second)) return false;
    if (second < 0xdc00 || second > 0xdfff) return false;
    return AppendUtf8(0x10000 + ((unit - 0xd800) << 10) + (second - 0xdc00), out);
  }

  bool ReadHex(uint32_t& unit) {
    for (int i = 0; i < 4; ++i, ++at_) {
      const int c = Peek();
      if (c == kEnd || std::isxdigit(c) == 0) return false;
      unit = unit << 4 | static_cast<uint32_t>(IsDigit(c) ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return true;
  }

  static bool AppendUtf8(uint32_t point, SecretString& out) {
    const auto add = [&](uint32_t byte) { out += static_cast<char>(byte); };
    const int more = point < 0x80 ? 0 : point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
    constexpr uint32_t kFirst[] = {0, 0xc0, 0xe0, 0xf0};
    add(kFirst[more] | point >> (6 * more));
    for (int i = more - 1; i >= 0; --i) add(0x80 | (point >> (6 * i) & 0x3f));
    return true;
  }

  // RFC 3629, section 4: no longer than needed, no surrogates, nothing above U+10FFFF.
  bool ReadUtf8(SecretString& out) {
    const int first = Peek();
    const int more = first < 0xc2 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : first < 0xf5 ? 3 : 0;
    if (more == 0) return false;
    int least = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    int most = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    out += text_[at_++];
    for (int i = 0; i < more; ++i, least = 0x80, most = 0xbf) {
      if (Peek() < least || Peek() > most) return false;
      out += text_[at_++];
    }
    return true;
  }

  // ---- mistakes ----

  // Of the value that comes next.
  std::string Path() const {
    std::string path;
    for (const Level& level : levels_) {
      path = level.index ? fmt::format("{}[{}]", path, *level.index) : JsonPath(path, level.member);
    }
    return path;
  }

  bool Fail(std::string message) {
    problem_ = BadJson(Path(), std::move(message), "see the JSON Schema of wgnet/1");
    return false;
  }

  Error TakeError() {
    if (problem_) return *std::move(problem_);
    return BadJson(LineAndColumn(text_, at_), "the document is malformed or ends too early",
                   "the document is JSON of RFC 8259");
  }

  std::string_view text_;
  size_t at_ = 0;
  std::vector<Level> levels_;
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
  auto value = Parser(text).Read();
  WipeVectorRegisters();
  return value;
}

}  // namespace wgnet
