// SPDX-License-Identifier: MIT OR Apache-2.0
// What a userspace implementation answers; and attributes, as they are put into its words.
#include "src/wireguard/uapi.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  static_cast<void>(wgnet::wireguard::ReadSetAnswer(text));
  static_cast<void>(wgnet::wireguard::ReadGetAnswer(
      text, [](const wgnet::kernel::WgDevice&) {}, [](const wgnet::kernel::WgPeer&) {}));
  wgnet::SecretBuffer request;
  static_cast<void>(
      wgnet::wireguard::EncodeSet({reinterpret_cast<const std::byte*>(data), size}, request));
  return 0;
}
