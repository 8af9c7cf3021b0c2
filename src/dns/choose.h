// SPDX-License-Identifier: MIT OR Apache-2.0
// Who is told of name servers.
#ifndef WGNET_DNS_CHOOSE_H_
#define WGNET_DNS_CHOOSE_H_

#include <optional>
#include <string>
#include <string_view>

#include "src/dns/resolvconf.h"
#include "src/dns/resolved.h"
#include "wgnet/dns.h"

namespace wgnet::dns {

/// What this machine has, as far as the choice depends on it.
struct Facts {
  /// The session's network namespace is this process's.
  bool is_own_namespace = true;
  /// Else its name of ip-netns(8), or "" where it has none.
  std::string netns_name;

  ResolvedState resolved;
  ResolvconfProgram resolvconf = ResolvconfProgram::kNone;

  /// What /etc/resolv.conf is.
  enum class File : uint8_t {
    kMissing,
    kPlain,       // a file, or a link to one that nothing is known to keep
    kMounted,     // put there by who made the container: it cannot be replaced
    kResolved,    // systemd-resolved keeps it, or it names its stub, 127.0.0.53
    kResolvconf,  // resolvconf(8) keeps it
    kOther,       // another program does
  };
  File file = File::kMissing;
  std::string keeper;  // kOther: where it links to

  /// nsswitch.conf(5) asks systemd-resolved without reading the file.
  bool switch_asks_resolved = false;
};

/// kNotSupported where there is nobody, or `wanted` is not there; the hint says what would help.
Result<DnsBackend> Choose(std::optional<DnsBackend> wanted, const Facts& facts);

/// What /etc/resolv.conf is, by the file that it links to, "" if it is no link, and its text.
Facts::File FileOf(std::string_view link_target, std::string_view text);

/// Whether the line of `hosts` in nsswitch.conf(5) has "resolve".
bool AsksResolved(std::string_view nsswitch);

}  // namespace wgnet::dns

#endif  // WGNET_DNS_CHOOSE_H_
