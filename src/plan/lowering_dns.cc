// SPDX-License-Identifier: MIT OR Apache-2.0
// Name servers: what the resolver is told of an interface.
#include <algorithm>

#include "src/base/text.h"
#include "src/plan/lowering_parts.h"

namespace wgnet::plan::lowering {
namespace {

std::string PlaceOf(const Dns& dns) { return "Dns(" + QuoteForMessage(dns.interface()) + ")"; }

template <class T>
std::vector<T> WithoutRepeats(const std::vector<T>& values) {
  std::vector<T> once;
  for (const T& value : values) AddOnce(once, value);
  return once;
}

// "~." is what makes it exclusive.
bool IsEverything(const DomainName& domain) { return domain == DomainName(); }

Status CheckDomains(const Dns& dns, DnsBackend backend) {
  if (backend == DnsBackend::kResolved) return {};
  for (const DomainName& domain : dns.search_domains()) {
    if (!domain.is_routing_only() || IsEverything(domain)) continue;
    return Error{.code = ErrorCode::kNotSupported,
                 .message = domain.ToString() + " sends some names to these servers only, and " +
                            std::string(DnsBackendName(backend)) + " has no such thing",
                 .where = PlaceOf(dns) + ".SearchDomain",
                 .hint = "leave the ~ out, or use systemd-resolved"};
  }
  return {};
}

kernel::DnsSetting SettingOf(const Dns& dns, const DnsHost& host, const kernel::LinkRef& dev) {
  kernel::DnsSetting setting;
  setting.backend = host.backend;
  setting.path = host.path;
  setting.label = host.LabelOf(dev.index, dev.name.view());
  setting.dev = dev;
  setting.servers = WithoutRepeats(dns.servers());
  setting.domains = WithoutRepeats(dns.search_domains());
  const auto kept = std::remove_if(setting.domains->begin(), setting.domains->end(), IsEverything);
  const bool everything = kept != setting.domains->end();
  setting.domains->erase(kept, setting.domains->end());
  setting.exclusive = dns.exclusive().value_or(everything || !dns.servers().empty());
  setting.required = dns.required().value_or(true);
  return setting;
}

}  // namespace

Status LowerDns(const Dns& dns, Draft& draft) {
  const Result<DnsHost>& host = draft.facts().dns_hosts.at(dns.interface());
  Status usable = host ? CheckDomains(dns, host->backend) : Status(host.error());
  if (usable) {
    draft.From(PlaceOf(dns));
    draft.Add(SettingOf(dns, *host, draft.own_links().at(dns.interface())));
    return {};
  }
  if (usable.error().where.empty()) usable.error().where = PlaceOf(dns);
  if (dns.required().value_or(true)) return usable;
  draft.Warn(usable.error().ToString());
  return {};
}

}  // namespace wgnet::plan::lowering
