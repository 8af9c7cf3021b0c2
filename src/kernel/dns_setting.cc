// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/kernel/dns_setting.h"

namespace wgnet::kernel {
namespace {

std::string NameOf(const DnsSetting& setting) {
  return QuoteForShell(setting.dev ? LinkIndex::Text(*setting.dev) : *setting.label);
}

Commands ForResolved(Verb verb, const DnsSetting& setting) {
  const std::string link = NameOf(setting);
  if (verb == Verb::kDelete) return {"resolvectl revert " + link};
  Commands commands;
  std::string servers;
  for (const IpAddress& server : *setting.servers) servers += " " + server.ToString();
  commands.push_back("resolvectl dns " + link + (servers.empty() ? " ''" : servers));
  std::string domains;
  for (const DomainName& domain : *setting.domains) {
    domains += " " + QuoteForShell(domain.ToString());
  }
  if (*setting.exclusive) domains += " '~.'";
  commands.push_back("resolvectl domain " + link + (domains.empty() ? " ''" : domains));
  return commands;
}

Commands ForResolvconf(Verb verb, const DnsSetting& setting) {
  const std::string label = QuoteForShell(*setting.label);
  if (verb == Verb::kDelete) return {"resolvconf -d " + label + " -f"};
  std::string lines;
  for (const IpAddress& server : *setting.servers) {
    lines += " " + QuoteForShell("nameserver " + server.ToString());
  }
  if (!setting.domains->empty()) {
    lines += " " + QuoteForShell("search " + TextList<DomainName>::Text(*setting.domains));
  }
  return {"printf '%s\\n'" + lines + " | resolvconf -a " + label + " -m 0" +
          (*setting.exclusive ? " -x" : "")};
}

// No tool edits the file.
Commands ForFile(Verb verb, const DnsSetting& setting) {
  const std::string link = QuoteForMessage(*setting.label);
  const std::string file = QuoteForMessage(*setting.path);
  std::string what = "what " + file + " has for " + link + " goes";
  if (verb != Verb::kDelete) {
    what = file + " has for " + link + ":";
    for (const IpAddress& server : *setting.servers) what += " nameserver " + server.ToString();
    if (!setting.domains->empty()) {
      what += " search " + TextList<DomainName>::Text(*setting.domains);
    }
    if (*setting.exclusive) what += ", and no other";
  }
  return {"# not expressible: " + what};
}

}  // namespace

DnsPlace PlaceOf(const DnsSetting& setting) {
  return {*setting.backend, *setting.path, *setting.label};
}

DnsConfig ConfigOf(const DnsSetting& setting) {
  return {*setting.servers, *setting.domains, *setting.exclusive, setting.order};
}

Commands CommandsOf(const Edit<DnsSetting>& edit, const netlink::SecretWord&) {
  switch (*edit.object.backend) {
    case DnsBackend::kResolved:
      return ForResolved(edit.verb, edit.object);
    case DnsBackend::kResolvconf:
      return ForResolvconf(edit.verb, edit.object);
    case DnsBackend::kFile:
      break;
  }
  return ForFile(edit.verb, edit.object);
}

}  // namespace wgnet::kernel
