// SPDX-License-Identifier: MIT OR Apache-2.0
// Reads kernel objects, as far as somebody asks for them.
#ifndef WGNET_PLAN_READER_H_
#define WGNET_PLAN_READER_H_

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "src/kernel/object.h"
#include "src/netlink/client.h"
#include "wgnet/error.h"

namespace wgnet::plan {

/// What to read. Filters are the kernel's own where it has them.
struct Scope {
  struct RouteTable {
    Family family;
    uint32_t table;
    bool operator==(const RouteTable&) const = default;
  };
  struct NftTableName {
    kernel::nft::TableFamily family;
    kernel::NftName name;
    bool operator==(const NftTableName&) const = default;
  };

  bool links = false;
  bool rules = false;
  bool base_chains = false;               // every chain, in every table
  bool tables = false;                    // every table, without what is in it
  std::optional<uint8_t> route_protocol;  // the routes of all tables with this protocol
  std::vector<uint32_t> address_links;    // the addresses of these links
  std::vector<uint32_t> route_links;      // the routes of all tables through these links
  std::vector<RouteTable> route_tables;   // all routes of these tables
  std::vector<uint32_t> devices;          // these WireGuard devices, with their peers
  std::vector<NftTableName> nft_tables;   // these tables, with all that is in them
  bool nft_rules = false;                 // every rule, in every table
  std::vector<kernel::SysctlName> sysctls;
  std::vector<kernel::DnsSetting> dns;  // those with these keys
  bool kernel_order = false;  // of peers' allowed IPs; else they are sorted, to be compared
};

/// Adds a value that is not there yet.
template <class T>
void AddOnce(std::vector<T>& values, const T& value) {
  for (const T& known : values) {
    if (known == value) return;
  }
  values.push_back(value);
}

class ObjectVisitor {
 public:
  virtual ~ObjectVisitor() = default;
  /// The kernel changed while it was read: forget what was visited.
  virtual void Restart() = 0;
  /// The object is valid during the call. An object may come twice.
  virtual void Visit(const kernel::Object& object) = 0;
  /// The rules of a chain come in their order, after the chains.
  virtual void VisitRule(const kernel::NftRule& rule) = 0;
};

class Reader {
 public:
  /// `extra` says whether attributes without a row are kept.
  Reader(netlink::Client& client, netlink::ExtraMode extra);

  /// What may be read that was not there at any reading before.
  struct Sizes {
    size_t allowed_ips = 0;  // of one peer
    size_t sets = 0;
    size_t elements = 0;  // of all sets
  };
  void Reserve(const Sizes& sizes);

  /// Objects that are not there, tables and links included, are not visited, and no error. After
  /// construction, allocates only for objects larger than any before, and for errors.
  Status Read(const Scope& scope, ObjectVisitor& visitor);

  /// How the kernel would route to the address: RTM_GETROUTE with this mark. Empty: not at all.
  Result<std::optional<kernel::Route>> Lookup(const IpAddress& address, uint32_t mark);

  /// The number of a generic netlink family, or 0 where the kernel has none of that name.
  Result<uint16_t> GenericFamily(std::string_view name);

  /// The generation of the nftables ruleset: it grows with every change, anybody's.
  Result<uint32_t> NftGeneration();

 private:
  class Pass;
  Status ReadOnce(const Scope& scope, ObjectVisitor& visitor, bool& interrupted);

  netlink::Client& client_;
  netlink::ExtraMode extra_;
  SecretBuffer request_;
  kernel::Object scratch_[std::variant_size_v<kernel::Object>];
  kernel::NftRule rule_;
  kernel::DeviceDump device_dump_;
  std::vector<kernel::NftName> sets_;
  std::vector<kernel::NftBoundary> boundaries_;
  std::optional<uint16_t> wireguard_family_;
};

}  // namespace wgnet::plan

#endif  // WGNET_PLAN_READER_H_
