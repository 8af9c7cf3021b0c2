// SPDX-License-Identifier: MIT OR Apache-2.0
// systemd-resolved: org.freedesktop.resolve1(5). A build without libsystemd has none.
#ifndef WGNET_DNS_RESOLVED_H_
#define WGNET_DNS_RESOLVED_H_

#include <optional>
#include <string>

#include "src/base/dns_system.h"

namespace wgnet::dns {

/// Whether it can be asked.
struct ResolvedState {
  bool is_built_in = false;
  bool answers = false;
  bool is_in_namespace = false;  // it sees the links of this process's network namespace
};
ResolvedState FindResolved();

/// A link goes by its index. What it has goes with it.
Result<std::optional<DnsConfig>> ReadResolved(const std::string& link_index);
Status WriteResolved(const std::string& link_index, const DnsConfig& config);
Status RemoveResolved(const std::string& link_index);

}  // namespace wgnet::dns

#endif  // WGNET_DNS_RESOLVED_H_
