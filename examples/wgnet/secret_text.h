// SPDX-License-Identifier: MIT OR Apache-2.0
// Text that may hold keys: what it gives back to the heap is zeroed first.
#ifndef WGNET_EXAMPLES_WGNET_SECRET_TEXT_H_
#define WGNET_EXAMPLES_WGNET_SECRET_TEXT_H_

#include <string.h>

#include <memory>
#include <string>

namespace cli {

template <class T>
struct WipingAllocator {
  using value_type = T;
  WipingAllocator() = default;
  template <class U>
  WipingAllocator(const WipingAllocator<U>&) {}  // NOLINT(google-explicit-constructor)
  T* allocate(size_t count) { return std::allocator<T>().allocate(count); }
  void deallocate(T* data, size_t count) {
    explicit_bzero(data, count * sizeof(T));
    std::allocator<T>().deallocate(data, count);
  }
  bool operator==(const WipingAllocator&) const { return true; }
};

/// Short texts, up to 15 characters, are not wiped: no key is that short.
using SecretText = std::basic_string<char, std::char_traits<char>, WipingAllocator<char>>;

/// Takes over what the library gave as a plain string, and zeroes that.
inline SecretText TakeSecret(std::string text) {
  SecretText secret(text.begin(), text.end());
  explicit_bzero(text.data(), text.size());
  return secret;
}

}  // namespace cli

#endif  // WGNET_EXAMPLES_WGNET_SECRET_TEXT_H_
