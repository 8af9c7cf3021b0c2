// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/kernel/link.h"

namespace wgnet::kernel {
namespace {

template <class Wanted>
void AppendSettings(const Link& link, const Wanted& wanted, const netlink::SecretWord& secret,
                    Commands& commands) {
  const std::string name = QuoteForShell(link.ref().name.view());
  netlink::ForEachRow<Link>([&]<class Wire>(const netlink::Row<Link, Wire>& row) {
    if constexpr (requires { Wire::kIsConf; }) {
      if (!wanted(row) || !(link.*row.member)) return;
      const std::string setting = "net/ipv4/conf/" + link.name->str() + "/" + std::string(row.json);
      commands.push_back("sysctl -w " +
                         QuoteForShell(setting + "=" + Wire::Text(*(link.*row.member))));
    }
  });
  const std::string words = netlink::Words(link, secret, [&](const auto& row) {
    return wanted(row) && row.role != netlink::Role::kKey;
  });
  if (!words.empty()) commands.push_back("ip link set dev " + name + words);
}

}  // namespace

Commands CommandsOf(const Edit<Link>& edit, const netlink::SecretWord& secret) {
  const Link& link = edit.object;
  Commands commands;
  switch (edit.verb) {
    case Verb::kDelete:
      commands.push_back("ip link del dev " + QuoteForShell(link.ref().name.view()));
      break;
    case Verb::kChange: {
      Link named = link;
      netlink::Complete(named, edit.before);
      AppendSettings(named, WantedRows(edit), secret, commands);
      break;
    }
    case Verb::kAdd:
      commands.push_back("ip link add" + netlink::Words(link, secret, WantedRows(edit)));
      AppendSettings(link, RowsOfStage(netlink::Stage::kAfter), secret, commands);
      AppendSettings(link, RowsOfStage(netlink::Stage::kLast), secret, commands);
  }
  return commands;
}

}  // namespace wgnet::kernel
