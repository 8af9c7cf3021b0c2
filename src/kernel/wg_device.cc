// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/kernel/wg_device.h"

namespace wgnet::kernel {

void Encode(const Edit<WgDevice>& edit, const EncodeContext& context, netlink::MessageWriter& out) {
  if (edit.verb == Verb::kDelete) return;
  out.Begin(context.wireguard_family, 0, kSetDevice);
  netlink::EncodeAttributes(edit.object, out, WantedRows(edit));
}

Commands CommandsOf(const Edit<WgDevice>& edit, const netlink::SecretWord& secret) {
  if (edit.verb == Verb::kDelete) return {};
  return {"wg set" + netlink::Words(edit.object, secret, WantedRows(edit))};
}

}  // namespace wgnet::kernel
