// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef WGNET_INTERFACE_H_
#define WGNET_INTERFACE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wgnet/error.h"
#include "wgnet/key.h"
#include "wgnet/peer.h"
#include "wgnet/types.h"

namespace wgnet {

/// Whether, and where, the allowed IPs of an interface's peers become routes: `Table` of
/// wg-quick(8).
class RouteTable {
 public:
  enum class Kind : uint8_t { kAuto, kOff, kNumber };

  /// Into the main table; a default route becomes a full tunnel (PolicyRoute::FullTunnel).
  static RouteTable Auto() { return RouteTable(Kind::kAuto, 0); }
  /// No routes.
  static RouteTable Off() { return RouteTable(Kind::kOff, 0); }
  /// Every route, a default route too, into this table; 1 to 2^32-1.
  static RouteTable Number(uint32_t table) { return RouteTable(Kind::kNumber, table); }
  /// "auto", "off", a number, or "main", "default", "local".
  static Result<RouteTable> Parse(std::string_view text);

  RouteTable() = default;  ///< Auto()
  Kind kind() const { return kind_; }
  uint32_t number() const { return number_; }
  std::string ToString() const;
  bool operator==(const RouteTable&) const = default;

 private:
  RouteTable(Kind kind, uint32_t number) : kind_(kind), number_(number) {}
  Kind kind_ = Kind::kAuto;
  uint32_t number_ = 0;
};

/// What an MTU that is found leaves for the outer headers of a packet.
class MtuOverhead {
 public:
  enum class Kind : uint8_t { kWgQuick, kExact };

  /// 80 bytes, the headers over IPv6, on every way: wg-quick(8).
  static MtuOverhead WgQuick() { return MtuOverhead(Kind::kWgQuick); }
  /// 60 bytes on the way to an IPv4 endpoint, 80 to an IPv6 one, and where no endpoint is known.
  static MtuOverhead Exact() { return MtuOverhead(Kind::kExact); }
  /// "wg-quick" or "exact".
  static Result<MtuOverhead> Parse(std::string_view text);

  MtuOverhead() = default;  ///< WgQuick()
  Kind kind() const { return kind_; }
  std::string ToString() const;
  bool operator==(const MtuOverhead&) const = default;

 private:
  explicit MtuOverhead(Kind kind) : kind_(kind) {}
  Kind kind_ = Kind::kWgQuick;
};

/// A WireGuard interface with its peers: a value with the options of wg(8) and wg-quick(8).
///
/// Setters return the interface, for chaining. The first mistake is remembered, and reported when a
/// plan is made. An option that was not set differs from one set to zero, see each.
class Interface {
 public:
  Interface() = default;
  /// 1 to 15 bytes; no slash, colon, percent sign or white space, not "." or "..".
  explicit Interface(std::string_view name) { Name(name); }

  Interface& Name(std::string_view name);
  /// Not set: left as it is, for a hook or another program may set it; but one that the node had
  /// set before is taken away. A new interface has none, and answers nobody.
  Interface& PrivateKey(SecretKey key);
  Interface& PrivateKey(std::string_view base64);
  /// UDP port, 0 to 65535. Not set: the kernel's choice, which then stays. 0: a new choice,
  /// made when 0 is said first.
  Interface& ListenPort(int port);
  /// The mark of the encrypted packets, 0 to 2^32-1. 0: none. Not set: for a full tunnel one that
  /// is free; else left as it is, as a private key is. A new interface has none.
  Interface& FwMark(uint32_t mark);
  /// An address with the length of its network, "10.0.0.1/24". May be called many times.
  Interface& Address(Prefix address);
  Interface& Address(std::string_view address);
  /// 68 to 65535 bytes, at least 1280 with an IPv6 address. Not set: what the ways to the
  /// endpoints allow when a plan is made, less MtuOverhead().
  Interface& Mtu(int bytes);
  /// Where no MTU is set. Not set: MtuOverhead::WgQuick().
  Interface& MtuOverhead(wgnet::MtuOverhead overhead);
  Interface& MtuOverhead(std::string_view overhead);
  /// What becomes of the peers' allowed IPs. Not set: RouteTable::Auto().
  Interface& Table(RouteTable table);
  Interface& Table(std::string_view table);
  Interface& AddPeer(Peer peer);

  const std::string& name() const { return name_; }
  const std::optional<SecretKey>& private_key() const { return private_key_; }
  const std::optional<uint16_t>& listen_port() const { return listen_port_; }
  const std::optional<uint32_t>& fwmark() const { return fwmark_; }
  const std::vector<Prefix>& addresses() const { return addresses_; }
  const std::optional<uint16_t>& mtu() const { return mtu_; }
  const std::optional<wgnet::MtuOverhead>& mtu_overhead() const { return mtu_overhead_; }
  const std::optional<RouteTable>& table() const { return table_; }
  const std::vector<Peer>& peers() const { return peers_; }
  /// The first mistake, if one was made. Those of the peers are theirs.
  const std::optional<Error>& error() const { return error_; }

  bool operator==(const Interface&) const = default;

  /// Calls `visit(name, setter, value)` for each option, by its name in JSON.
  template <class Self, class Visit>
  static void VisitOptions(Self& self, Visit&& visit) {
    using Text = std::string_view;
    visit("name", &Interface::Name, self.name_);
    visit("private_key", static_cast<Interface& (Interface::*)(Text)>(&Interface::PrivateKey),
          self.private_key_);
    visit("listen_port", &Interface::ListenPort, self.listen_port_);
    visit("fwmark", &Interface::FwMark, self.fwmark_);
    visit("addresses", static_cast<Interface& (Interface::*)(Text)>(&Interface::Address),
          self.addresses_);
    visit("mtu", &Interface::Mtu, self.mtu_);
    visit("mtu_overhead", static_cast<Interface& (Interface::*)(Text)>(&Interface::MtuOverhead),
          self.mtu_overhead_);
    visit("table", static_cast<Interface& (Interface::*)(Text)>(&Interface::Table), self.table_);
    visit("peers", &Interface::AddPeer, self.peers_);
  }

 private:
  std::string Where(std::string_view setter) const;

  std::string name_;
  std::optional<SecretKey> private_key_;
  std::optional<uint16_t> listen_port_;
  std::optional<uint32_t> fwmark_;
  std::vector<Prefix> addresses_;
  std::optional<uint16_t> mtu_;
  std::optional<wgnet::MtuOverhead> mtu_overhead_;
  std::optional<RouteTable> table_;
  std::vector<Peer> peers_;
  std::optional<Error> error_;
};

}  // namespace wgnet

#endif  // WGNET_INTERFACE_H_
