// SPDX-License-Identifier: MIT OR Apache-2.0
// The seam to the resolver of this machine: who is told of a link's name servers, and how.
#ifndef WGNET_BASE_DNS_SYSTEM_H_
#define WGNET_BASE_DNS_SYSTEM_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wgnet/dns.h"
#include "wgnet/error.h"
#include "wgnet/types.h"

namespace wgnet {

/// Who is told on this machine.
struct DnsHost {
  DnsBackend backend = DnsBackend::kFile;
  std::string path;    // kFile: which file
  std::string prefix;  // kResolvconf: what stands before a link's name in the name of its record
  static constexpr std::string_view kSuffix = ".wgnet";  // and behind it: who made the record

  /// What a link is called there.
  std::string LabelOf(uint32_t link_index, std::string_view link_name) const {
    if (backend == DnsBackend::kResolved) return std::to_string(link_index);
    const std::string_view suffix = backend == DnsBackend::kResolvconf ? kSuffix : "";
    return prefix + std::string(link_name) + std::string(suffix);
  }
};

/// Where one link's servers stand.
struct DnsPlace {
  DnsBackend backend = DnsBackend::kFile;
  std::string path;
  std::string label;
  bool operator==(const DnsPlace&) const = default;
};

struct DnsConfig {
  std::vector<IpAddress> servers;
  std::vector<DomainName> domains;
  std::optional<bool> exclusive;  // unset: whoever keeps it does not know it
  /// Among the links of a file: the highest comes first. Unset: as before, or before all others.
  std::optional<uint32_t> order = {};
  bool operator==(const DnsConfig&) const = default;
};

class DnsSystem {
 public:
  virtual ~DnsSystem() = default;
  /// Who is to be told, if it is not `wanted`. kNotSupported where there is nobody.
  virtual Result<DnsHost> FindHost(std::optional<DnsBackend> wanted) = 0;
  /// What is set; nothing where there is nothing, or nobody who keeps it.
  virtual Result<std::optional<DnsConfig>> Read(const DnsPlace& place) = 0;
  /// Sets it, in place of what was. kDns.
  virtual Status Write(const DnsPlace& place, const DnsConfig& config) = 0;
  /// Takes it away; that there is nothing is no error. kDns.
  virtual Status Remove(const DnsPlace& place) = 0;
  /// Where wgnet has set something for links of this namespace, as far as that outlives them.
  virtual Result<std::vector<DnsPlace>> List() = 0;
  /// Takes away what is set for links of an earlier boot, where it outlives one; whether there was
  /// any. kDns.
  virtual Result<bool> ForgetEarlierBoots() { return false; }
};

}  // namespace wgnet

#endif  // WGNET_BASE_DNS_SYSTEM_H_
