// SPDX-License-Identifier: MIT OR Apache-2.0
// What the lines of a file mean together.
#ifndef WGNET_CONF_INTERPRETER_H_
#define WGNET_CONF_INTERPRETER_H_

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "src/conf/draft.h"
#include "src/conf/key_table.h"
#include "wgnet/conf.h"
#include "wgnet/error.h"

namespace wgnet::conf {

/// Interface or peer, for a header in any case and with blanks anywhere; nothing for another.
std::optional<ConfFile::SectionKind> SectionOf(std::string_view header);

/// Takes the lines of a file, in order, up to the first mistake.
class Interpreter {
 public:
  Interpreter(std::string_view file, ConfFile::Grammar grammar)
      : draft_(file, grammar), given_(KeyTable().size()) {}

  Status Take(const ConfFile::Line& line);
  /// What only the whole shows: peers without a key or given twice, prefixes claimed twice.
  Result<Meaning> Finish();
  const std::vector<std::string>& warnings() const { return draft_.report.warnings(); }

 private:
  Status TakeHeader(const ConfFile::Line& line);
  Status TakeKey(const ConfFile::Line& line);
  Error UnknownKey(const ConfFile::Line& line) const;
  Status CheckSection(const ConfFile::Line& line, const KeyRow& row) const;
  void NoteRepeat(const ConfFile::Line& line, const KeyRow& row);

  Draft draft_;
  ConfFile::SectionKind section_ = ConfFile::SectionKind::kNone;
  bool header_has_blanks_ = false;
  std::vector<int> given_;  // by row: the line that gave it in this interface or peer, or 0
};

}  // namespace wgnet::conf

#endif  // WGNET_CONF_INTERPRETER_H_
