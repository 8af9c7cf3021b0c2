// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/conf/report.h"

#include <fmt/format.h>

#include <utility>

namespace wgnet::conf {

Error Report::At(ConfFile::Place place, std::string message, std::string hint) const {
  return {.code = ErrorCode::kParse,
          .message = std::move(message),
          .where = Where(place),
          .hint = std::move(hint)};
}

Error Report::Rejected(const ConfFile::Line& line, std::string_view key, std::string_view part,
                       Error why) const {
  return At(line.PlaceOf(part), fmt::format("{}: {}", key, why.message), std::move(why.hint));
}

void Report::Warn(ConfFile::Place place, std::string_view message) {
  warnings_.push_back(fmt::format("{}: {}", Where(place), message));
}

std::string Report::Where(ConfFile::Place place) const {
  return fmt::format("{}:{}:{}", file_, place.line, place.column);
}

}  // namespace wgnet::conf
