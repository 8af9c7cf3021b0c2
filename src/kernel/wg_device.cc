// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/kernel/wg_device.h"

namespace wgnet::kernel {

void Encode(const Edit<WgDevice>& edit, const EncodeContext& context, netlink::MessageWriter& out) {
  if (edit.verb == Verb::kDelete) return;
  out.Begin(context.wireguard_family, 0, kSetDevice);
  netlink::EncodeAttributes(edit.object, out, WantedRows(edit));
  // So that a program that serves the interface knows it as a new one.
  if (edit.verb == Verb::kAdd && !edit.object.private_key) out.Put(WGDEVICE_A_FLAGS, uint32_t{0});
}

Commands CommandsOf(const Edit<WgDevice>& edit, const netlink::SecretWord& secret) {
  if (edit.verb == Verb::kDelete) return {};
  const std::string words = netlink::Words(edit.object, secret, WantedRows(edit));
  const std::string name = netlink::Words(
      edit.object, secret, [](const auto& row) { return row.role == netlink::Role::kKey; });
  // wg(8) takes no name alone.
  return words == name ? Commands() : Commands{"wg set" + words};
}

}  // namespace wgnet::kernel
