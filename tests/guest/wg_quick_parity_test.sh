#!/bin/bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# `wgnet up` beside the real wg-quick, each on a machine of its own with equal surroundings: the
# whole state is the same but for a closed list of differences, each in its exact form, and `down`
# leaves what there was before. Needs root, wireguard-tools 1.0.20210914, and changes nothing
# outside namespaces of its own. Without WireGuard in the kernel, both run wireguard-go:
#   tests/guest/suite --timeout 900 tests/guest/wg_quick_parity_test.sh
#   tests/guest/wg_quick_parity_test.sh
may_use_userspace=yes
source "$(dirname "$(realpath "$0")")/node_words.sh"

declare -A total
touch seen

# Sockets are files: wg-quick's machine has a folder of its own for them.
if [[ $userspace == yes ]]; then
  mkdir -p /run/wireguard /run/quick
  on() {
    local machine=$1
    shift
    [[ $machine != quick ]] || set -- sh -c 'mount --bind /run/quick /run/wireguard; "$@"' sh "$@"
    ip netns exec "$machine" "$@"
  }
fi

# ---- surroundings ----

# A machine with an uplink, up and at rest. What is behind it does not matter here.
make_machine() {
  add_machine "$1"
  ip netns add "outside-$1"
  ip link add eth0 netns "$1" address 02:00:00:00:05:10 type veth peer name eth0 netns "outside-$1"
  ip -n "outside-$1" link set eth0 up
  ip -n "$1" -b - <<X
link set eth0 up
address add 192.168.5.10/24 dev eth0
route add default via 192.168.5.1
address add 2001:db8:5::10/64 dev eth0
route add ::/0 via 2001:db8:5::1
X
  check "the uplink is up" within 10 has_uplink "$1"
}

# wireguard-go tells its peers in any order: each becomes one line, and they are sorted at the end.
sort_peers() {
  awk '/^\[Peer\]$/ { peer = $0; next }
    peer != "" && / = / { peer = peer "; " $0; next }
    peer != "" { print peer | "sort"; peer = "" }
    !/^$/ { print }
    END { if (peer != "") print peer | "sort" }' "$1" >sorted
  mv sorted "$1"
}

save_machine() {
  save_state "$1" "$2"
  [[ $userspace == no ]] || sort_peers "$2"
  sed -i "s/ link-netns outside-$1 / link-netns outside /" "$2"
}

no_more() { :; }
strict() { on "$1" sysctl -q net.ipv4.conf.eth0.rp_filter=1; }

# Ways of different MTUs to two endpoints.
two_ways() {
  ip -n "$1" -b - <<X
route add 198.51.100.1 via 192.168.5.1 mtu 1400
route add 198.51.100.2 via 192.168.5.1 mtu 1460
X
}

small_uplink_without_ipv4() {
  ip -n "$1" -b - <<X
address del 192.168.5.10/24 dev eth0
link set eth0 mtu 1400
X
}

foreign_rule() { ip -n "$1" rule add priority 100 to 203.0.113.0/24 lookup main; }
foreign_table() { ip -n "$1" route add blackhole 203.0.113.0/24 table 51820; }

# What wg-quick makes for a full tunnel, with a mark of its own.
foreign_tunnel() {
  ip -n "$1" -b - <<X
rule add not fwmark 7777 table 7777
rule add table main suppress_prefixlength 0
X
}

# ---- files ----

write_peer() {
  local lines=$1 peer=$2 allowed=$3
  printf '[Interface]\nPrivateKey = %s\n%b\n[Peer]\nPublicKey = %s\n%bAllowedIPs = %s\n' \
    "$client_key" "$lines" "$server_public" "$peer" "$allowed" >peer1.conf
}

readonly port="ListenPort = 51820\n"
readonly v4_endpoint="Endpoint = 192.168.5.198:51820\n"
readonly v6_endpoint="Endpoint = [2001:db8:5::198]:51820\n"

write_split_v4() {
  write_peer "${port}Address = 10.13.13.2/24" "${v4_endpoint}PersistentKeepalive = 25\n" \
    "10.13.13.0/24, 10.13.13.1/32, 172.16.0.0/12, 172.16.5.0/24, 192.0.2.7"
}
write_full_v6() { write_peer "${port}Address = fd13::2/64" "$v6_endpoint" "::/0"; }
write_dual_stack() {
  write_peer "${port}Address = 10.13.13.2/24, fd13::2/64" "$v4_endpoint" "0.0.0.0/0, ::/0"
}
write_with_table() {
  write_peer "${port}Address = 10.13.13.2/24\nTable = $1" "$v4_endpoint" \
    "0.0.0.0/0, ::/0, 10.13.13.0/24, fd13::/64"
}
write_addresses() {
  write_peer "${port}Address = 10.13.13.2/24, 10.14.14.2\nAddress = fd13::2/64,fd14::2/128" \
    "$v6_endpoint" "0.0.0.0/0, ::/0, 10.13.13.7/32, 10.14.14.2/32, fd14::/32"
}
write_two_peers() {
  write_peer "${port}Address = 10.13.13.2/24" "Endpoint = 198.51.100.1:51820\n" "10.20.0.0/16"
  cat >>peer1.conf <<X
[Peer]
PublicKey = $(public_of "$far_key")
Endpoint = 198.51.100.2:51820
AllowedIPs = 10.21.0.0/16, fd21::/32
X
}
write_no_endpoint() { write_peer "${port}Address = fd13::2/64" "" "fd13::/64, fd20::/32"; }

# ---- the closed list ----

# One difference: what wg-quick left, in `expected`, turned into what wgnet must have left.
differ() {
  local name=$1 lines
  sed -E "$2" expected >turned
  diff -U 0 expected turned | grep '^[-+][^-+]' | sed "s/^/$name /" >changed
  mv turned expected
  lines=$(grep -c "^$name +" changed)
  total[$name]=$((${total[$name]-0} + lines))
  [[ $lines -eq 0 ]] || echo "$name in $case: $lines lines"
  grep -vxFf seen changed | sed 's/^/  /'
  cat changed >>seen
}

readonly wgnet_protocol=87 wgnet_group=$((0x77676e74))

# Marks: own ones come back to a connection's packets, and no others.
differ_in_marks() {
  local mark
  printf -v mark '0x%08x' "$(sed -n 's/^FwMark = //p' up.quick)"
  differ D1 "s/(meta l4proto udp) meta mark set ct mark\$/\1 ct mark $mark meta mark set $mark/
    s/(meta l4proto udp meta mark $mark ct mark set) meta mark\$/\1 $mark/"
}

# Only a strict filter asks for it, and then on that link.
differ_in_valid_mark() {
  grep -q '^ipv4/conf/all/src_valid_mark:1$' up.quick || return
  local link=
  [[ $surroundings == strict ]] && link='s,^(ipv4/conf/eth0/src_valid_mark):0$,\1:1,'
  differ D2 "s,^(ipv4/conf/all/src_valid_mark):1\$,\1:0,; $link"
}

# Each object says whose it is. A rule's comment ends in its hash, 16 digits.
differ_in_names() {
  differ D4 "/^[0-9]+: peer1: /{
      s/ group default / group $wgnet_group /
      s/\$/\\\\    alias wgnet:wg-quick:peer1/
    }
    s/^($own_rules:.* proto) unspec\$/\1 $wgnet_protocol/
    s/( dev peer1 .*proto) boot /\1 $wgnet_protocol /
    s/( fib saddr type != local drop|meta l4proto udp .*)\$/\1 comment \"wgnet:HASH\"/
    /^table ip6? wg-quick-peer1 /a\\\\tcomment \"wgnet:wg-quick:peer1\""
}

# Where order means nothing: allowed IPs are sorted, and drops stand as the file has the addresses.
differ_in_order() {
  differ order 's|(AllowedIPs = 0\.0\.0\.0/0)(, ::/0)(, 10\.[^;]*)(, fd1)|\1\3\2\4|
    / ip6 daddr fd14::2 /{ N; s/(.*)\n(.*)/\2\n\1/ }'
}

# Rules have the kernel's usual places, and not those before another's rule.
differ_in_places() {
  differ D11 's/^98:(.* suppress_prefixlength 0 )/32764:\1/; s/^99:(.* fwmark )/32765:\1/'
  awk '/^3276[45]:/ { held = held $0 "\n"; next } { print } /^100:/ { printf "%s", held }' \
    expected >turned
  mv turned expected
}

# A link of wgnet's outlives its program. As the kernel's WireGuard does, it lets no redirects go.
differ_in_userspace() {
  [[ $userspace == yes ]] || return 0
  differ userspace '/^[0-9]+: peer1: /s/ state UNKNOWN (.*) persist off / state UP \1 persist on /
    s,^(ipv4/conf/all/send_redirects):1$,\1:0,'
}

# ---- the comparison ----

on_quick() {
  on quick wg-quick "$1" ./peer1.conf >out 2>err
  status=$?
  ran="wg-quick $1 in $case"
  check "exit status" [ $status -eq 0 ]
}

# begin CASE SURROUNDINGS WRITE [ARGUMENT...]: brings one file up on both machines.
begin() {
  case=$1 surroundings=$2 own_rules='3276[45]'
  local machine
  for machine in quick wgnet; do
    make_machine $machine
    $surroundings $machine
  done
  "${@:3}"
  save_machine wgnet before
  on_quick up
  save_machine quick up.quick
  check "wg-quick's link" grep -q '^[0-9]*: peer1: .*,UP,' up.quick
  check "wg-quick's device" grep -qx '\[peer1\]' up.quick
  cp up.quick expected
  run --netns wgnet up ./peer1.conf
  exits 0
  save_machine wgnet up.real
  sed -E 's/ comment "wgnet:[0-9a-f]{16}"$/ comment "wgnet:HASH"/' up.real >up.wgnet
}

compare_up() {
  differ_in_userspace
  differ_in_order
  differ_in_marks
  differ_in_valid_mark
  differ_in_names
  same "up in $case" expected up.wgnet
}

compare_down() {
  run --netns wgnet down ./peer1.conf
  exits 0
  save_machine wgnet after
  same "down in $case" before after
}

end() {
  local machine
  [[ $userspace == no ]] || ip -n quick link del peer1 2>>ended  # and with it the program
  for machine in quick wgnet; do ip netns del $machine && ip netns del outside-$machine; done
}

compare() {
  begin "$@"
  compare_up
  compare_down
  end
}

# ---- tests ----

test_client() {
  begin client no_more write_client
  compare_up
  run --netns wgnet up ./peer1.conf
  exits 0
  err_is ""
  save_machine wgnet up.again
  same "up again" up.real up.again
  compare_down
  end
}

# An emulated machine takes long for each: a sample of them.
test_files() {
  compare full-v6 no_more write_full_v6
  compare table-1234 no_more write_with_table 1234
  compare addresses no_more write_addresses
  [[ $userspace == yes || -n ${WGNET_FULL-} ]] || return 0
  compare split-v4 no_more write_split_v4
  compare dual-stack no_more write_dual_stack
  compare table-off no_more write_with_table off
  compare mtu no_more write_client "MTU = 1380"
  compare fwmark no_more write_client "FwMark = 0x1234"
}

test_surroundings() {
  compare strict-filter strict write_client
  compare foreign-table foreign_table write_client
}

test_smallest_mtu() {
  begin two-peers two_ways write_two_peers
  differ version '/^[0-9]+: peer1: /s/ mtu 1380 / mtu 1320 /'
  compare_up
  compare_down
  end
}

test_mtu_of_ipv6_default() {
  begin no-endpoint small_uplink_without_ipv4 write_no_endpoint
  differ D9 '/^[0-9]+: peer1: /s/ mtu 1420 / mtu 1320 /'
  compare_up
  compare_down
  end
}

test_places_of_rules() {
  begin foreign-rule foreign_rule write_client
  differ_in_places
  compare_up
  compare_down
  end
}

# wg-quick's down takes the other tunnel's rule along; wgnet's leaves it.
test_foreign_tunnel() {
  begin foreign-tunnel foreign_tunnel write_client
  own_rules='3276[23]'
  compare_up
  compare_down
  local rule=$'^32764:\tfrom all lookup main suppress_prefixlength 0'
  check "the other's rule stays" grep -q "$rule" after
  on_quick down
  save_machine quick after.quick
  check "wg-quick takes it" not grep -q "$rule" after.quick
  total[D3]=$(grep -c "$rule" after)
  end
}

# Each difference that the list names was seen.
test_list_is_closed() {
  local name names=(version order D1 D2 D3 D4 D9 D11)
  [[ $userspace == no ]] || names+=(userspace)
  for name in "${names[@]}"; do
    echo "$name: ${total[$name]-0} lines"
    check "$name was seen" [ "${total[$name]-0}" -gt 0 ]
  done
  check "no other" [ "${#total[@]}" -eq "${#names[@]}" ]
}

run_tests test_client test_files test_surroundings test_smallest_mtu test_mtu_of_ipv6_default \
  test_places_of_rules test_foreign_tunnel test_list_is_closed
