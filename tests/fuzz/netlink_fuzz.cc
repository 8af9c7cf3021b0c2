// SPDX-License-Identifier: MIT OR Apache-2.0
// Datagrams of the kernel: each message is decoded as every object that it could be.
#include "src/kernel/nft_mark.h"
#include "src/kernel/object.h"
#include "src/netlink/client.h"

namespace {

using wgnet::netlink::Bytes;
using wgnet::netlink::ExtraMode;
using wgnet::netlink::Message;

template <size_t... I>
void DecodeAll(const Message& message, std::index_sequence<I...>) {
  const auto decode = [&]<class Object>(Object object) {
    if constexpr (requires { typename wgnet::netlink::Schema<Object>::Header; }) {
      static_cast<void>(wgnet::netlink::DecodeMessage(message, ExtraMode::kKeep, object));
    }
  };
  (decode(std::variant_alternative_t<I, wgnet::kernel::Object>()), ...);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  wgnet::kernel::DeviceDump dump;
  dump.Begin([](const wgnet::kernel::WgDevice&) {}, [](wgnet::kernel::WgPeer&) {});
  std::vector<wgnet::kernel::NftBoundary> boundaries;
  wgnet::netlink::ForEachMessage(
      Bytes(reinterpret_cast<const std::byte*>(data), size), [&](const Message& message) {
        DecodeAll(message, std::make_index_sequence<std::variant_size_v<wgnet::kernel::Object>>());
        wgnet::kernel::NftRule rule;
        static_cast<void>(wgnet::netlink::DecodeMessage(message, ExtraMode::kKeep, rule));
        if (rule.raw) static_cast<void>(wgnet::kernel::nft::MarkUsesOf(*rule.raw));
        static_cast<void>(dump.Feed(message));
        static_cast<void>(wgnet::kernel::ReadBoundaries(message, boundaries));
        wgnet::netlink::KernelError error;
        static_cast<void>(wgnet::netlink::ReadError(message, error));
        return true;
      });
  dump.Finish();
  wgnet::kernel::JoinBoundaries(boundaries, [](const wgnet::kernel::AddressRange&) {});
  return 0;
}
