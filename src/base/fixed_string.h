// SPDX-License-Identifier: MIT OR Apache-2.0
// A short string without allocation, for names that the kernel bounds.
#ifndef WGNET_BASE_FIXED_STRING_H_
#define WGNET_BASE_FIXED_STRING_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace wgnet {

/// At most `Most` bytes; a longer text is cut, so check its length where it comes in.
template <size_t Most>
class FixedString {
 public:
  static constexpr size_t kMost = Most;

  FixedString() = default;
  // NOLINTBEGIN(google-explicit-constructor): it stands for its text
  FixedString(std::string_view text) : size_(static_cast<uint16_t>(std::min(text.size(), Most))) {
    std::copy_n(text.begin(), size_, bytes_.begin());
  }
  FixedString(const char* text) : FixedString(std::string_view(text)) {}
  FixedString(const std::string& text) : FixedString(std::string_view(text)) {}
  // NOLINTEND(google-explicit-constructor)

  std::string_view view() const { return {bytes_.data(), size_}; }
  std::string str() const { return std::string(view()); }
  bool empty() const { return size_ == 0; }

  friend bool operator==(const FixedString& a, const FixedString& b) {
    return a.view() == b.view();
  }
  friend auto operator<=>(const FixedString& a, const FixedString& b) {
    return a.view() <=> b.view();
  }

 private:
  uint16_t size_ = 0;
  std::array<char, Most> bytes_{};
};

}  // namespace wgnet

template <size_t Most>
struct std::hash<wgnet::FixedString<Most>> {
  size_t operator()(const wgnet::FixedString<Most>& text) const noexcept {
    return std::hash<std::string_view>()(text.view());
  }
};

#endif  // WGNET_BASE_FIXED_STRING_H_
