// SPDX-License-Identifier: MIT OR Apache-2.0
// Numbers from text, and one quoting function per language that a value is printed in.
#ifndef WGNET_BASE_TEXT_H_
#define WGNET_BASE_TEXT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace wgnet {

/// Decimal digits only: no sign, no blanks, not empty. Nothing above `most`.
std::optional<uint64_t> ParseDecimal(std::string_view text, uint64_t most);
/// Decimal digits, or "0x" and hexadecimal digits.
std::optional<uint64_t> ParseNumber(std::string_view text, uint64_t most);

/// Every byte is a printing ASCII character or a blank.
bool IsPrintable(std::string_view text);

/// One word of a POSIX shell command; as it is where that is safe.
std::string QuoteForShell(std::string_view text);
/// A string of nft(8): in double quotes, which have no escapes there. Nothing if it cannot be said.
std::optional<std::string> QuoteForNft(std::string_view text);
/// Whether a key, or most of one, stands somewhere in the text.
bool MayHoldKey(std::string_view text);
/// For an error message: in double quotes, other bytes as \xNN, cut after 64 bytes. A text that may
/// hold a key, which stands there by mistake, is not shown.
std::string QuoteForMessage(std::string_view text);
/// A JSON string with its quotes. Bytes that are not UTF-8 become U+FFFD.
std::string QuoteForJson(std::string_view text);

}  // namespace wgnet

#endif  // WGNET_BASE_TEXT_H_
