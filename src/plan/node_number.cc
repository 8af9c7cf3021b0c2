// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/plan/node_number.h"

#include <sodium.h>

#include <algorithm>
#include <type_traits>

namespace wgnet::plan {
namespace {

// Of all options that the builders list. It forgets what it was given, for keys are among it.
class Hash {
 public:
  Hash() { crypto_generichash_init(&state_, nullptr, 0, crypto_generichash_BYTES); }
  ~Hash() { sodium_memzero(&state_, sizeof state_); }
  Hash(const Hash&) = delete;
  Hash& operator=(const Hash&) = delete;

  template <class T>
  void Add(const T& value) {
    if constexpr (std::is_arithmetic_v<T> || std::is_enum_v<T>) {
      AddBytes(&value, sizeof value);
    } else if constexpr (requires { value.bytes(); }) {
      AddBytes(value.bytes().data(), value.bytes().size());
    } else if constexpr (requires { T::VisitOptions(value, [](auto...) {}); }) {
      T::VisitOptions(value, [&](std::string_view name, auto, const auto& option) {
        Add(name);
        Add(option);
      });
    } else {
      Add(value.ToString());
    }
  }

  uint64_t Number() {
    uint8_t hash[crypto_generichash_BYTES];
    crypto_generichash_final(&state_, hash, sizeof hash);
    uint64_t number = 0;
    std::copy_n(hash, sizeof number, reinterpret_cast<uint8_t*>(&number));
    return std::max<uint64_t>(number, 1);
  }

 private:
  void Add(std::string_view text) {
    Add(text.size());
    AddBytes(text.data(), text.size());
  }
  void Add(const std::string& text) { Add(std::string_view(text)); }
  template <class T>
  void Add(const std::optional<T>& value) {
    Add(value.has_value());
    if (value) Add(*value);
  }
  template <class T>
  void Add(const std::vector<T>& list) {
    Add(list.size());
    for (const T& item : list) Add(item);
  }
  void Add(const Prefix& prefix) {
    Add(prefix.family());
    Add(prefix.address());
    Add(prefix.length());
  }
  void Add(const PolicyRoute::Mark& mark) {
    Add(mark.value);
    Add(mark.mask);
  }
  void AddBytes(const void* bytes, size_t size) {
    crypto_generichash_update(&state_, static_cast<const uint8_t*>(bytes), size);
  }

  crypto_generichash_state state_;
};

}  // namespace

uint64_t NumberOf(const Node& node) {
  Hash hash;
  hash.Add(node);
  return hash.Number();
}

}  // namespace wgnet::plan
