// SPDX-License-Identifier: MIT OR Apache-2.0
// The keys of the two grammars. To add one, add its row in key_table.cc.
#ifndef WGNET_CONF_KEY_TABLE_H_
#define WGNET_CONF_KEY_TABLE_H_

#include <cstdint>
#include <span>
#include <string_view>

#include "src/conf/draft.h"
#include "wgnet/conf.h"
#include "wgnet/error.h"

namespace wgnet::conf {

struct KeyRow;

/// What stands behind a key.
struct Value {
  const KeyRow& row;
  const ConfFile::Line& line;
  std::string_view text;  ///< of a key of wg(8) without any white space
};

using Setter = Status (*)(Draft& draft, const Value& value);

enum class Repeat : uint8_t { kLastHolds, kAddsUp };

struct KeyRow {
  std::string_view name;
  ConfFile::SectionKind section;
  /// The smaller grammar that knows it. Keys of kWg may have blanks in them and need a value.
  ConfFile::Grammar grammar;
  Repeat repeat;
  Setter set;
  bool keeps_hash = false;  ///< `#` is part of the value
};

std::span<const KeyRow> KeyTable();

/// By the key as it is written: in any case, with blanks inside where wg(8) reads it. Or null.
const KeyRow* FindKey(std::string_view written);

/// The known key of the grammar that `written` is probably meant to be, or null. Of two as near,
/// the one of this section.
const KeyRow* NearestKey(std::string_view written, ConfFile::Grammar grammar,
                         ConfFile::SectionKind section);

/// How many letters to add, drop, change or swap to get from one word to the other, in any case.
int EditDistance(std::string_view a, std::string_view b);

}  // namespace wgnet::conf

#endif  // WGNET_CONF_KEY_TABLE_H_
