// SPDX-License-Identifier: MIT OR Apache-2.0
// Name servers and search domains of an interface.
#ifndef WGNET_DNS_H_
#define WGNET_DNS_H_

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wgnet/error.h"
#include "wgnet/types.h"

namespace wgnet {

/// A domain of DNS (RFC 1035) that names are looked up in: labels of 1 to 63 letters, digits, `-`
/// and `_`, 253 bytes in all. With a `~` before it, as resolvectl(1) has it, names in the domain go
/// to the interface's servers, but none is searched there; `~.` is all names.
class DomainName {
 public:
  /// A dot at the end is taken. Names in other scripts are written as xn--...
  static Result<DomainName> Parse(std::string_view text);
  DomainName() = default;  ///< "~."

  /// Without `~` and the last dot; "." is the root.
  const std::string& name() const { return name_; }
  bool is_routing_only() const { return is_routing_only_; }
  std::string ToString() const { return (is_routing_only_ ? "~" : "") + name_; }

  auto operator<=>(const DomainName&) const = default;

 private:
  std::string name_ = ".";
  bool is_routing_only_ = true;
};

/// Who is told of name servers.
enum class DnsBackend : uint8_t {
  kResolved,    ///< systemd-resolved(8), over D-Bus
  kResolvconf,  ///< resolvconf(8), that of Debian or openresolv
  kFile,        ///< resolv.conf(5) itself
};

/// "resolved", "resolvconf", "file".
std::string_view DnsBackendName(DnsBackend backend);
Result<DnsBackend> ParseDnsBackend(std::string_view name);

/// The name servers and search domains that hold while an interface is there: a value.
class Dns {
 public:
  Dns() = default;
  /// Of an interface of the same node.
  explicit Dns(std::string_view interface) { Interface(interface); }
  Dns& Interface(std::string_view name);

  /// The best first. resolv.conf(5) has room for three, with those of others.
  Dns& Server(IpAddress server);
  Dns& Server(std::string_view server);
  /// A domain to look up short names in. Routing-only domains need systemd-resolved.
  Dns& SearchDomain(DomainName domain);
  Dns& SearchDomain(std::string_view domain);
  /// Whether all names go to these servers, and none to others'; unset, true where there is a
  /// server, as with wg-quick(8). systemd-resolved is given the domain `~.`.
  Dns& Exclusive(bool exclusive);
  /// Whether a plan fails, and is rolled back, when the resolver cannot be told; unset, true. If
  /// false, that is a warning, and tried again by the next plan.
  Dns& Required(bool required);
  /// Unset, who keeps this machine's /etc/resolv.conf, or answers for nsswitch.conf(5). In a
  /// namespace of ip-netns(8) that the caller is not in, it is /etc/netns/NAME/resolv.conf.
  Dns& Backend(DnsBackend backend);
  Dns& Backend(std::string_view name);

  const std::string& interface() const { return interface_; }
  const std::vector<IpAddress>& servers() const { return servers_; }
  const std::vector<DomainName>& search_domains() const { return search_domains_; }
  const std::optional<bool>& exclusive() const { return exclusive_; }
  const std::optional<bool>& required() const { return required_; }
  const std::optional<DnsBackend>& backend() const { return backend_; }
  const std::optional<Error>& error() const { return error_; }

  bool operator==(const Dns&) const = default;

  /// Calls `visit(name, setter, value)` for each option, by its name in JSON.
  template <class Self, class Visit>
  static void VisitOptions(Self& self, Visit&& visit) {
    using Set = Dns& (Dns::*)(std::string_view);
    visit("interface", static_cast<Set>(&Dns::Interface), self.interface_);
    visit("servers", static_cast<Set>(&Dns::Server), self.servers_);
    visit("search_domains", static_cast<Set>(&Dns::SearchDomain), self.search_domains_);
    visit("exclusive", &Dns::Exclusive, self.exclusive_);
    visit("required", &Dns::Required, self.required_);
    visit("backend", static_cast<Set>(&Dns::Backend), self.backend_);
  }

 private:
  std::string Where(std::string_view setter) const;

  std::string interface_;
  std::vector<IpAddress> servers_;
  std::vector<DomainName> search_domains_;
  std::optional<bool> exclusive_;
  std::optional<bool> required_;
  std::optional<DnsBackend> backend_;
  std::optional<Error> error_;
};

}  // namespace wgnet

#endif  // WGNET_DNS_H_
