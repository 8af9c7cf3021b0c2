// SPDX-License-Identifier: MIT OR Apache-2.0
// What others have beside the objects of LargeNode, on its links, and in its tables.
#ifndef WGNET_TESTS_SUPPORT_FOREIGN_OBJECTS_H_
#define WGNET_TESTS_SUPPORT_FOREIGN_OBJECTS_H_

#include <string>

#include "tests/support/world.h"

namespace wgnet::testing {

// In every family, beside ours.
inline constexpr char kForeign[] = R"(set -e
ip rule add priority 1234 fwmark 0x77 lookup 77
ip -6 rule add priority 1234 from fd77::/64 lookup 77
ip route add 203.0.113.0/24 via 192.168.5.254 metric 7
ip route add blackhole 203.0.114.0/24
ip route add 198.51.100.0/24 dev eth0 table 700
ip -6 route add 2001:db8:77::/48 dev eth0
ip -6 route add 2001:db8:78::/48 dev eth0 table 700
ip address add 192.168.5.77/24 dev eth0 label eth0:x
ip address add 2001:db8::77/64 dev eth0 nodad
nft -f - <<E
table inet mine {
  set ports { type inet_service; flags interval; elements = { 80, 8000-8100 } }
  chain forward {
    type filter hook forward priority 5; policy accept;
    tcp dport @ports counter accept comment "mine"
    ct state invalid drop
  }
}
table ip nat {
  chain postrouting {
    type nat hook postrouting priority 90
    oifname "eth9" masquerade
  }
}
E
)";

// On our links, and in our tables of routes.
inline constexpr char kForeignOnLink[] = R"(set -e
ip address add 10.20.7.7/24 dev hub
ip address add 172.30.0.1/32 peer 172.30.0.2/32 dev hub
ip address add fd77::1/64 dev hub nodad
ip route add 172.20.0.0/16 dev hub
ip route add 172.21.0.0/16 dev exit table 700 metric 9
ip route add 172.22.0.0/16 via 10.20.9.9 dev hub table 4242 mtu 1300
ip -6 route add fd78::/64 dev hub
ip -6 route add fd79::/64 dev exit table 700
)";
inline constexpr size_t kForeignOnLinkCount = 9;  // those, and a peer

// In a table of ours: a rule in one of our chains, and a chain and a set that it needs.
inline constexpr char kForeignInTable[] = R"(nft -f - <<E
table inet wgnet-owner {
  set nets { type ipv4_addr; flags interval; elements = { 10.66.0.0/16, 10.68.1.1-10.68.1.9 } }
  chain theirs {
    ip daddr @nets counter drop comment "theirs"
  }
  chain forward {
    iifname "x*" ip saddr @nets counter jump theirs comment "theirs, too"
  }
}
E
)";

inline constexpr char kForeignPeer[] = "HR8Kp3xWIt2rNdS3aaCk+Ss7yQqC9cn6h3WS6UK3WE0=";

/// A state without the end of an interval at address 0 that nft begins a set with: it means
/// nothing.
std::string WithoutFirstEnds(const std::string& state);

/// Of LargeNode, the link "exit": "hub" goes, and what is on it.
Node WithoutHub();

/// A peer that nobody asked wgnet for, by a message of the test's own. Empty, or what went wrong.
std::string AddForeignPeer(Host& host, const char* link);

}  // namespace wgnet::testing

#endif  // WGNET_TESTS_SUPPORT_FOREIGN_OBJECTS_H_
