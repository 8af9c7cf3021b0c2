// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

namespace wgnet {
namespace {

std::optional<uint64_t> ParseDigits(std::string_view digits, int base, uint64_t most) {
  uint64_t value = 0;
  const char* end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, value, base);
  if (digits.empty() || stop != end || error != std::errc() || value > most) return std::nullopt;
  return value;
}

bool IsLower(char c) { return c >= 'a' && c <= 'z'; }
bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }

bool IsShellSafe(char c) {
  constexpr std::string_view kSafe = "_-./:,=+@%";
  return IsLower(c) || IsUpper(c) || IsDigit(c) || kSafe.find(c) != kSafe.npos;
}

}  // namespace

std::optional<uint64_t> ParseDecimal(std::string_view text, uint64_t most) {
  return ParseDigits(text, 10, most);
}

std::optional<uint64_t> ParseNumber(std::string_view text, uint64_t most) {
  if (text.starts_with("0x")) return ParseDigits(text.substr(2), 16, most);
  return ParseDigits(text, 10, most);
}

bool IsPrintable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

std::string QuoteForShell(std::string_view text) {
  // "=" and "~" at the start, and a lone "%" for job control, are the cases a safe byte is not.
  if (!text.empty() && text[0] != '=' && text[0] != '%' &&
      std::all_of(text.begin(), text.end(), IsShellSafe)) {
    return std::string(text);
  }
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'') {
      quoted += "'\\''";
    } else {
      quoted += c;
    }
  }
  return quoted + "'";
}

std::optional<std::string> QuoteForNft(std::string_view text) {
  if (!IsPrintable(text) || text.find('"') != text.npos || text.find('\\') != text.npos) {
    return std::nullopt;
  }
  return fmt::format("\"{}\"", text);
}

bool MayHoldKey(std::string_view text) {
  constexpr size_t kTellingRun = 32;  // of the 44 characters of a key
  // A run of base64 in both cases and with digits or signs: paths and host names have none so long.
  size_t run = 0;
  bool lower = false, upper = false, other = false;
  for (const char c : text) {
    const bool sign = IsDigit(c) || c == '+' || c == '=';
    if (!IsLower(c) && !IsUpper(c) && !sign && c != '/') {
      run = 0;
      lower = upper = other = false;
      continue;
    }
    ++run;
    lower = lower || IsLower(c);
    upper = upper || IsUpper(c);
    other = other || sign;
    if (run >= kTellingRun && lower && upper && other) return true;
  }
  return false;
}

std::string QuoteForMessage(std::string_view text) {
  constexpr size_t kMost = 64;
  if (MayHoldKey(text)) return "(hidden, as it may hold a key)";
  std::string quoted = "\"";
  for (const char c : text.substr(0, kMost)) {
    if (c == '"' || c == '\\') {
      quoted += {'\\', c};
    } else if (IsPrintable({&c, 1})) {
      quoted += c;
    } else {
      quoted += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    }
  }
  return quoted + (text.size() > kMost ? "\"..." : "\"");
}

std::string QuoteForJson(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace wgnet
