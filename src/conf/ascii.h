// SPDX-License-Identifier: MIT OR Apache-2.0
// Characters and words as wg(8) sees them, whatever the locale.
#ifndef WGNET_CONF_ASCII_H_
#define WGNET_CONF_ASCII_H_

#include <algorithm>
#include <string_view>

#include "src/base/secret_memory.h"

namespace wgnet::conf {

inline bool IsSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
inline bool IsDigit(char c) { return c >= '0' && c <= '9'; }
inline char ToLower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }
inline bool IsLetter(char c) { return ToLower(c) >= 'a' && ToLower(c) <= 'z'; }

/// Without white space at both ends. Where nothing is left, the empty start of `text`.
inline std::string_view Trim(std::string_view text) {
  while (!text.empty() && IsSpace(text.back())) text.remove_suffix(1);
  while (!text.empty() && IsSpace(text.front())) text.remove_prefix(1);
  return text;
}

inline bool EqualsIgnoreCase(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return ToLower(x) == ToLower(y); });
}

/// A text without any white space. A copy, if one is needed, is in secret memory.
class Squeezed {
 public:
  explicit Squeezed(std::string_view text) : view_(text) {
    if (std::none_of(text.begin(), text.end(), IsSpace)) return;
    constexpr size_t kPastInlineStorage = 32;  // short strings would live on the stack
    copy_.reserve(text.size() + kPastInlineStorage);
    std::copy_if(text.begin(), text.end(), std::back_inserter(copy_),
                 [](char c) { return !IsSpace(c); });
    view_ = copy_;
  }
  Squeezed(const Squeezed&) = delete;
  Squeezed& operator=(const Squeezed&) = delete;

  std::string_view view() const { return view_; }

 private:
  SecretString copy_;
  std::string_view view_;
};

}  // namespace wgnet::conf

#endif  // WGNET_CONF_ASCII_H_
