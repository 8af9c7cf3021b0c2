// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/conf/report.h"

#include <fmt/format.h>

#include <utility>

#include "src/conf/ascii.h"

namespace wgnet::conf {
namespace {

bool IsBase64(char c) { return IsLetter(c) || IsDigit(c) || c == '+' || c == '/' || c == '='; }

}  // namespace

bool MayHoldKey(std::string_view message) {
  constexpr int kTellingRun = 16;  // of the 44 characters of a key
  int run = 0;
  for (const char c : message) {
    run = IsBase64(c) ? run + 1 : 0;
    if (run >= kTellingRun) return true;
  }
  return false;
}

Error Report::At(ConfFile::Place place, std::string message, std::string hint) const {
  return {.code = ErrorCode::kParse,
          .message = std::move(message),
          .where = Where(place),
          .hint = std::move(hint)};
}

Error Report::Rejected(const ConfFile::Line& line, std::string_view key, std::string_view part,
                       Error why) const {
  if (MayHoldKey(why.message)) why.message = "the value is malformed";
  return At(line.PlaceOf(part), fmt::format("{}: {}", key, why.message), std::move(why.hint));
}

void Report::Warn(ConfFile::Place place, std::string_view message) {
  warnings_.push_back(fmt::format("{}: {}", Where(place), message));
}

std::string Report::Where(ConfFile::Place place) const {
  return fmt::format("{}:{}:{}", file_, place.line, place.column);
}

}  // namespace wgnet::conf
