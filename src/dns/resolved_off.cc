// SPDX-License-Identifier: MIT OR Apache-2.0
// A build without libsystemd.
#include "src/dns/resolved.h"

namespace wgnet::dns {
namespace {

Error NotBuiltIn() {
  return {.code = ErrorCode::kNotSupported,
          .message = "this build of wgnet does not know systemd-resolved",
          .hint = "build it with libsystemd"};
}

}  // namespace

ResolvedState FindResolved() { return {}; }

Result<std::optional<DnsConfig>> ReadResolved(const std::string&) {
  return std::optional<DnsConfig>();
}
Status WriteResolved(const std::string&, const DnsConfig&) { return NotBuiltIn(); }
Status RemoveResolved(const std::string&) { return NotBuiltIn(); }

}  // namespace wgnet::dns
