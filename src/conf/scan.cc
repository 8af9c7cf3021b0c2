// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/conf/scan.h"

#include <algorithm>

#include "src/base/try.h"
#include "src/conf/ascii.h"
#include "src/conf/key_table.h"

namespace wgnet::conf {
namespace {

using Line = ConfFile::Line;
using LineKind = ConfFile::LineKind;

// Cuts the first line off `rest`.
Line CutLine(std::string_view& rest, int number) {
  Line line{.number = number};
  const size_t newline = rest.find('\n');
  line.text = rest.substr(0, newline);
  size_t end_size = newline == rest.npos ? 0 : 1;
  if (end_size == 1 && line.text.ends_with('\r')) {
    line.text.remove_suffix(1);
    end_size = 2;
  }
  line.end = rest.substr(line.text.size(), end_size);
  rest.remove_prefix(line.text.size() + end_size);
  return line;
}

Status CheckLine(const Line& line, const Report& report) {
  if (line.text.size() > kMostLineBytes) {
    return report.At({line.number, 1}, "the line is longer than 1 MiB",
                     "AllowedIPs, Address and DNS may be spread over many lines");
  }
  if (const size_t nul = line.text.find('\0'); nul != line.text.npos) {
    return report.At(line.PlaceOf(line.text.substr(nul)), "a NUL byte stands in the line",
                     "save the file as plain UTF-8 text");
  }
  return {};
}

void ScanKey(std::string_view body, Line& line) {
  const size_t equals = body.find('=');
  line.kind = LineKind::kKey;
  line.key = Trim(body.substr(0, equals));
  const KeyRow* row = FindKey(line.key);
  line.is_wg_quick = row != nullptr && row->grammar == ConfFile::Grammar::kWgQuick;
  if (equals == body.npos) return;
  if (row != nullptr && row->keeps_hash) {
    body = line.text.substr(static_cast<size_t>(body.data() - line.text.data()));
    line.comment = {};
  }
  line.value = Trim(body.substr(equals + 1));
}

void ScanParts(Line& line) {
  const size_t hash = line.text.find('#');
  if (hash != line.text.npos) line.comment = line.text.substr(hash);
  const std::string_view body = Trim(line.text.substr(0, hash));
  if (body.empty()) {
    line.kind = line.comment.empty() ? LineKind::kBlank : LineKind::kComment;
  } else if (body.front() == '[') {
    line.kind = LineKind::kSection;
    line.key = body;
  } else {
    ScanKey(body, line);
  }
}

Status CheckText(std::string_view text, const Report& report) {
  if (text.size() > kMostBytes) {
    return report.At({1, 1}, "the text is larger than 16 MiB", "is it a configuration file?");
  }
  constexpr std::string_view kByteOrderMarks[] = {"\xef\xbb\xbf", "\xff\xfe", "\xfe\xff"};
  for (const std::string_view mark : kByteOrderMarks) {
    if (text.starts_with(mark)) {
      return report.At({1, 1}, "the file begins with a byte order mark",
                       "save it as UTF-8 without BOM, as wg(8) needs it");
    }
  }
  return {};
}

}  // namespace

Result<std::vector<Line>> ScanLines(std::string_view text, const Report& report) {
  WGNET_RETURN_IF_ERROR(CheckText(text, report));
  std::vector<Line> lines;
  while (!text.empty()) {
    Line line = CutLine(text, static_cast<int>(lines.size()) + 1);
    if (lines.size() == kMostLines) {
      return report.At({line.number, 1}, "the file has more than 1048576 lines",
                       "is it a configuration file?");
    }
    WGNET_RETURN_IF_ERROR(CheckLine(line, report));
    ScanParts(line);
    lines.push_back(line);
  }
  return lines;
}

}  // namespace wgnet::conf
