#!/bin/bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# A client and a host behind it reach a server's inside through a tunnel and a kill switch, also when
# the server moves; nothing goes the direct way, whether the tunnel is there or not. Needs root, and
# changes nothing outside namespaces of its own. Without WireGuard in the kernel, over wireguard-go:
#   tests/guest/suite --timeout 300 tests/guest/kill_switch_test.sh
#   tests/guest/kill_switch_test.sh
may_use_userspace=yes
source "$(dirname "$(realpath "$0")")/node_words.sh"

readonly inside=203.0.113.2 first=192.168.5.198 second=192.168.5.199

# cable MACHINE LINK OTHER LINK
cable() {
  ip link add "$2" netns "$1" type veth peer name "$4" netns "$3"
  ip -n "$1" link set "$2" up
  ip -n "$3" link set "$4" up
}

# The server knows the way to the host behind, which has a second address that it reaches through
# the tunnel.
make_machines() {
  add_machine server
  add_machine client
  add_machine behind
  cable client eth0 server eth0
  cable client lan0 behind eth0
  check "the uplink is up" within 10 has_uplink client
  ip -n client address add 192.168.5.10/24 dev eth0
  ip -n client address add 10.5.0.1/24 dev lan0
  ip -n client route add default via $first
  ip -n client route add 10.6.0.2/32 dev lan0
  ip -n behind address add 10.5.0.2/24 dev eth0
  ip -n behind address add 10.6.0.2/32 dev lo
  ip -n behind route add default via 10.5.0.1
  ip -n server address add $inside/32 dev lo
  server_is_at $first
  on client sysctl -q net.ipv4.ip_forward=1
}

server_is_at() {
  ip -n server address flush dev eth0
  ip -n server address add "$1/24" dev eth0
  ip -n server route add 10.5.0.0/24 via 192.168.5.10
}

# Userspace implementations share the names of their interfaces.
write_server() {
  cat >server.json <<X
{"schema": "wgnet/1",
 "interfaces": [{"name": "wg1", "private_key": "$server_key", "listen_port": 51820,
   "addresses": ["10.13.13.1/24"],
   "peers": [{"public_key": "$client_public", "preshared_key": "$tunnel_psk",
     "allowed_ips": ["10.13.13.2/32", "10.6.0.0/24"]}]}]}
X
}

# The client's document; further members of its interface, and of the whole, may be given.
write_client() {
  cat >client.json <<X
{"schema": "wgnet/1", ${2-}
 "interfaces": [{"name": "wg0", "private_key": "$client_key", "listen_port": 51820,
   "addresses": ["10.13.13.2/24"], ${1-}
   "peers": [{"public_key": "$server_public", "preshared_key": "$tunnel_psk",
     "endpoint": "$first:51820", "allowed_ips": ["0.0.0.0/0"]}]}],
 "nat_rules": [{"source": ["10.5.0.0/24"], "out_interface": "wg0"}]}
X
}

apply_client() {
  run --netns client apply client.json --owner client
  exits 0
}

reaches() { on "$1" ping -q -c 1 -w 20 "$2" >ping 2>&1; }
is_kept() { ! on "$1" ping -q -c 2 -i 0.2 -w 2 "$2" >ping 2>&1; }

the_tunnel_works() {
  check "$1: through the tunnel" reaches client $inside
  check "$1: through the tunnel, from behind" reaches behind $inside
}

nothing_goes_directly() {
  check "$1: to the server" is_kept client $first
  check "$1: an answer to the server" is_kept server 192.168.5.10
  check "$1: an answer to the server, from behind" is_kept server 10.5.0.2
}

test_without_the_switch() {
  make_machines
  save_state client before
  check "the direct way" reaches client $inside
  check "the direct way, from behind" reaches behind $inside
  write_server
  run --netns server apply server.json --owner server
  exits 0
  write_client
  apply_client
  the_tunnel_works "without the switch"
  check "out of the tunnel" reaches server 10.6.0.2
  check "an answer to the server" reaches server 192.168.5.10
  check "an answer to the server, from behind" reaches server 10.5.0.2
}

test_with_the_switch() {
  write_client "" '"kill_switch": {},'
  run --netns client plan client.json --owner client
  out_has "policy drop"
  out_has "icmpv6 type 133-137 ip6 hoplimit 255 accept"
  apply_client
  the_tunnel_works "with the switch"
  nothing_goes_directly "with the switch"
  check "out of the tunnel, and no answer" is_kept server 10.6.0.2
}

# The client follows it, by the mark.
test_the_server_moves() {
  server_is_at $second
  check "the server from elsewhere" reaches server 10.13.13.2
  run --netns client show wg0 endpoints
  out_has "$second:51820"
  the_tunnel_works "from elsewhere"
  server_is_at $first
  check "the server is back" reaches server 10.13.13.2
}

test_without_a_mark() {
  write_client '"table": "off",' '"kill_switch": {},'
  apply_client
  check "no mark" [ "$(on client wg show wg0 fwmark)" = off ]
  ip -n client route add $inside/32 dev wg0
  the_tunnel_works "without a mark"
  nothing_goes_directly "without a mark"
  ip -n client route del $inside/32 dev wg0
  check "the direct way" is_kept client $inside
  check "the direct way, from behind" is_kept behind $inside
}

test_without_the_tunnel() {
  echo '{"schema": "wgnet/1", "kill_switch": {}}' >client.json
  apply_client
  check "no tunnel" not on client test -e /sys/class/net/wg0
  check "the direct way" is_kept client $inside
  check "the direct way, from behind" is_kept behind $inside
  nothing_goes_directly "without a tunnel"
}

test_delete() {
  run --netns client delete client
  exits 0
  run --netns server delete server
  exits 0
  save_state client after
  same "the client" before after
  check "the direct way" reaches client $inside
  check "the direct way, from behind" reaches behind $inside
}

run_tests test_without_the_switch test_with_the_switch test_the_server_moves test_without_a_mark \
  test_without_the_tunnel test_delete test_secrets
