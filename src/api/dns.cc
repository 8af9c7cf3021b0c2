// SPDX-License-Identifier: MIT OR Apache-2.0
#include "wgnet/dns.h"

#include "src/api/setter.h"
#include "src/base/text.h"

namespace wgnet {

std::string Dns::Where(std::string_view setter) const {
  return "Dns(" + QuoteForMessage(interface_) + ")." + std::string(setter);
}

Dns& Dns::Interface(std::string_view name) {
  SetParsed(CheckLinkName(name), error_, "Dns",
            [&](std::string checked) { interface_ = std::move(checked); });
  return *this;
}

Dns& Dns::Server(IpAddress server) {
  servers_.push_back(server);
  return *this;
}

Dns& Dns::Server(std::string_view server) {
  SetParsed(IpAddress::Parse(server), error_, Where("Server"),
            [&](IpAddress parsed) { Server(parsed); });
  return *this;
}

Dns& Dns::SearchDomain(DomainName domain) {
  search_domains_.push_back(std::move(domain));
  return *this;
}

Dns& Dns::SearchDomain(std::string_view domain) {
  SetParsed(DomainName::Parse(domain), error_, Where("SearchDomain"),
            [&](DomainName parsed) { SearchDomain(std::move(parsed)); });
  return *this;
}

Dns& Dns::Exclusive(bool exclusive) {
  exclusive_ = exclusive;
  return *this;
}

Dns& Dns::Required(bool required) {
  required_ = required;
  return *this;
}

Dns& Dns::Backend(DnsBackend backend) {
  backend_ = backend;
  return *this;
}

Dns& Dns::Backend(std::string_view name) {
  SetParsed(ParseDnsBackend(name), error_, Where("Backend"),
            [&](DnsBackend parsed) { Backend(parsed); });
  return *this;
}

}  // namespace wgnet
