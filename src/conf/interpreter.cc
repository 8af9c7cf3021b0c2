// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/conf/interpreter.h"

#include <fmt/format.h>

#include <utility>

#include "src/base/text.h"
#include "src/base/try.h"
#include "src/conf/ascii.h"
#include "src/conf/finish.h"

namespace wgnet::conf {
namespace {

using Grammar = ConfFile::Grammar;
using Line = ConfFile::Line;
using LineKind = ConfFile::LineKind;
using SectionKind = ConfFile::SectionKind;

struct SectionName {
  SectionKind kind;
  std::string_view header;
};

constexpr SectionName kSections[] = {
    {SectionKind::kInterface, "[Interface]"},
    {SectionKind::kPeer, "[Peer]"},
};

std::string_view HeaderOf(SectionKind kind) {
  for (const SectionName& section : kSections) {
    if (section.kind == kind) return section.header;
  }
  return "";
}

std::string KnownKeys(Grammar grammar, SectionKind section) {
  std::string names;
  for (const KeyRow& row : KeyTable()) {
    if (row.section != section || (grammar == Grammar::kWg && row.grammar != Grammar::kWg))
      continue;
    names += (names.empty() ? "" : ", ") + std::string(row.name);
  }
  return names;
}

Error UnknownSection(const Line& line, const Report& report) {
  for (const SectionName& section : kSections) {
    constexpr int kNear = 2;
    constexpr size_t kLongest = 16;
    if (line.key.size() <= kLongest && EditDistance(line.key, section.header) <= kNear) {
      return report.At(line.PlaceOf(line.key), "unknown section " + QuoteForMessage(line.key),
                       fmt::format("did you mean {}?", section.header));
    }
  }
  return report.At(line.PlaceOf(line.key), "unknown section",
                   "a section begins with [Interface] or [Peer], alone on its line");
}

}  // namespace

std::optional<SectionKind> SectionOf(std::string_view header) {
  const Squeezed squeezed(header);
  for (const SectionName& section : kSections) {
    if (EqualsIgnoreCase(squeezed.view(), section.header)) return section.kind;
  }
  return std::nullopt;
}

Status Interpreter::Take(const Line& line) {
  if (line.kind == LineKind::kSection) return TakeHeader(line);
  if (line.kind == LineKind::kKey) return TakeKey(line);
  return {};
}

Status Interpreter::TakeHeader(const Line& line) {
  const auto kind = SectionOf(line.key);
  if (!kind) return UnknownSection(line, draft_.report);
  section_ = *kind;
  header_has_blanks_ = !EqualsIgnoreCase(line.key, HeaderOf(section_));
  if (section_ == SectionKind::kPeer) {
    draft_.peers.push_back({.header = line.PlaceOf(line.key)});
    for (const KeyRow& row : KeyTable()) {
      if (row.section == SectionKind::kPeer) given_[&row - KeyTable().data()] = 0;
    }
  }
  return {};
}

Status Interpreter::TakeKey(const Line& line) {
  const Report& report = draft_.report;
  if (line.value.data() == nullptr) {
    return report.At(line.PlaceOf(line.key), "the line is neither a section nor KEY = VALUE",
                     "a comment begins with `#`");
  }
  const KeyRow* row = FindKey(line.key);
  if (row == nullptr) return UnknownKey(line);
  WGNET_RETURN_IF_ERROR(CheckSection(line, *row));
  NoteRepeat(line, *row);
  if (row->grammar == Grammar::kWgQuick) return row->set(draft_, {*row, line, line.value});
  if (line.value.empty()) {
    return report.At(line.PlaceOf(line.value), fmt::format("{} has no value", row->name),
                     "give it a value, or leave the line out");
  }
  const Squeezed text(line.value);
  return row->set(draft_, {*row, line, text.view()});
}

// Quotes only what is near a known key: a line that lost its `PrivateKey =` is a key, too.
Error Interpreter::UnknownKey(const Line& line) const {
  const ConfFile::Place place = line.PlaceOf(line.key);
  if (const KeyRow* near = NearestKey(line.key, draft_.grammar, section_)) {
    return draft_.report.At(place, "unknown key " + QuoteForMessage(line.key),
                            fmt::format("did you mean {}?", near->name));
  }
  const SectionKind section = section_ == SectionKind::kNone ? SectionKind::kInterface : section_;
  return draft_.report.At(
      place, "unknown key",
      fmt::format("{} knows {}", HeaderOf(section), KnownKeys(draft_.grammar, section)));
}

Status Interpreter::CheckSection(const Line& line, const KeyRow& row) const {
  const auto wrong = [&](std::string message, std::string hint) {
    return draft_.report.At(line.PlaceOf(line.key), std::move(message), std::move(hint));
  };
  if (row.grammar == Grammar::kWgQuick && draft_.grammar == Grammar::kWg) {
    return wrong(fmt::format("{} is a key of wg-quick(8), which wg(8) does not know", row.name),
                 "`wg-quick strip` prints a file without such keys");
  }
  if (section_ == SectionKind::kNone) {
    return wrong(fmt::format("{} stands before any section", row.name),
                 fmt::format("put {} above it", HeaderOf(row.section)));
  }
  if (section_ != row.section) {
    return wrong(fmt::format("{} does not belong in {}", row.name, HeaderOf(section_)),
                 fmt::format("put it under {}", HeaderOf(row.section)));
  }
  if (row.grammar == Grammar::kWgQuick && header_has_blanks_) {
    return wrong(fmt::format("{} stands under a header with blanks in it", row.name),
                 "write [Interface]: wg-quick(8) knows no other form");
  }
  return {};
}

void Interpreter::NoteRepeat(const Line& line, const KeyRow& row) {
  int& given = given_[&row - KeyTable().data()];
  if (given != 0 && row.repeat == Repeat::kLastHolds) {
    draft_.report.Warn(line.PlaceOf(line.key),
                       fmt::format("{} takes the place of line {}", row.name, given));
  }
  given = line.number;
}

Result<Meaning> Interpreter::Finish() { return FinishDraft(draft_); }

}  // namespace wgnet::conf
