// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/kernel/rule.h"

namespace wgnet::kernel {

Commands CommandsOf(const Edit<Rule>& edit, const netlink::SecretWord& secret) {
  constexpr std::string_view kVerbs[] = {"rule add", "rule change", "rule del"};
  return {IpCommand(*edit.object.family, kVerbs[static_cast<int>(edit.verb)]) +
          netlink::Words(edit.object, secret, [](const auto&) { return true; })};
}

}  // namespace wgnet::kernel
