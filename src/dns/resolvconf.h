// SPDX-License-Identifier: MIT OR Apache-2.0
// resolvconf(8): Debian's, and openresolv.
#ifndef WGNET_DNS_RESOLVCONF_H_
#define WGNET_DNS_RESOLVCONF_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/dns_system.h"
#include "wgnet/process.h"

namespace wgnet::dns {

/// What `resolvconf` in PATH is.
enum class ResolvconfProgram : uint8_t {
  kNone,
  kResolvectl,  // a link to it: systemd-resolved
  kOther,
};
ResolvconfProgram FindResolvconf();

/// What stands before an interface's name in the name of a record, e.g. "tun.": from the text of
/// /etc/resolvconf/interface-order, the first line of letters, digits and dashes with a `*` at the
/// end. So has it wg-quick(8).
std::string PrefixFrom(std::string_view interface_order);

/// The same of this machine. Only a program that is no link has such an order.
std::string ResolvconfPrefix();

class Resolvconf {
 public:
  explicit Resolvconf(std::shared_ptr<ProcessRunner> runner) : runner_(std::move(runner)) {}

  Result<std::optional<DnsConfig>> Read(const std::string& label) const;
  Status Write(const std::string& label, const DnsConfig& config) const;
  Status Remove(const std::string& label) const;
  /// The labels of wgnet's records.
  std::vector<std::string> List() const;

 private:
  std::shared_ptr<ProcessRunner> runner_;
};

}  // namespace wgnet::dns

#endif  // WGNET_DNS_RESOLVCONF_H_
