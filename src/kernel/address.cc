// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/kernel/address.h"

namespace wgnet::kernel {

Commands CommandsOf(const Edit<Address>& edit, const netlink::SecretWord& secret) {
  constexpr std::string_view kVerbs[] = {"address add", "address change", "address del"};
  std::string command =
      IpCommand(edit.object.local->family(), kVerbs[static_cast<int>(edit.verb)]) +
      netlink::Words(edit.object, secret, WantedRows(edit));
  // `ip address` takes it from 6.3 on.
  if (edit.verb != Verb::kDelete && edit.object.protocol) {
    command += fmt::format("  # not expressible: protocol {}", *edit.object.protocol);
  }
  return {command};
}

}  // namespace wgnet::kernel
