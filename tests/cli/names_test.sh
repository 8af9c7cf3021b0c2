#!/bin/bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Endpoints by name: a tunnel that comes up before its name does, and a name that moves. /etc/hosts
# makes the names. In a guest: tests/guest/suite tests/cli/names_test.sh
. "$(dirname "$(realpath "$0")")/command_words.sh"

for file in hosts resolv.conf; do
  touch $file && mount --bind $file /etc/$file || exit 1
done
unset WG_ENDPOINT_RESOLUTION_RETRIES

other_key=$(new_key)
far_public=$(public_of "$far_key")
other_public=$(public_of "$other_key")

# Two peers in one namespace: the one by name at 192.0.2.2 and .3, the other at 192.0.2.4.
make_far_side() {
  ip netns add far
  ip link add near0 type veth peer name far0 netns far
  ip addr add 192.0.2.1/24 dev near0
  ip link set near0 up
  ip -n far link set lo up
  for last in 2 3 4; do ip -n far addr add 192.0.2.$last/24 dev far0; done
  ip -n far link set far0 up
  far_device far "$far_key" 51821 10.9.0.2
  far_device other "$other_key" 51822 10.9.0.3
}

far_device() {
  ip -n far link add "$1" type wireguard
  ip netns exec far wg set "$1" private-key <(echo "$2") listen-port "$3" \
    peer "$(public_of "$near_key")" allowed-ips 10.9.0.1/32
  ip -n far addr add "$4/32" dev "$1"
  ip -n far link set "$1" up
  ip -n far route add 10.9.0.1/32 dev "$1" table "$3"
  ip -n far rule add from "$4" lookup "$3"
}

write_names() {
  cat >wg0.conf <<X2
[Interface]
PrivateKey = $near_key
Address = 10.9.0.1/24
ListenPort = 51820
${1-}
[Peer]
PublicKey = $far_public
Endpoint = far.test:51821
AllowedIPs = 10.9.0.2/32

[Peer]
PublicKey = $other_public
Endpoint = 192.0.2.4:51822
AllowedIPs = 10.9.0.3/32
X2
}

endpoint_is() {
  check "the endpoint of the named peer" \
    [ "$(wg show wg0 endpoints | grep -F "$far_public" | cut -f 2)" = "$1" ]
}
of_other() { wg show wg0 dump | grep -F "$other_public" | cut -f 3,5; }
pings() { ping -q -c 1 -W 5 "$1" >/dev/null; }

# wg-quick would wait, and fail.
test_a_name_that_comes_later() {
  export WG_ENDPOINT_RESOLUTION_RETRIES=0
  run up ./wg0.conf
  exits 0
  err_has "wgnet: warning: Interface(\"wg0\").Peer(\"$far_public\").Endpoint: the host \"far.test\""
  endpoint_is "(none)"
  check "the other peer" pings 10.9.0.3
  of_other >other
  check "its handshake" grep -q '[1-9]' other
  echo "192.0.2.2 far.test" >/etc/hosts
  run up ./wg0.conf
  exits 0
  err_is "[#] wg set wg0 peer $far_public endpoint 192.0.2.2:51821"
  endpoint_is 192.0.2.2:51821
  check "the named peer" pings 10.9.0.2
  of_other >other.after
  check "the other peer did not move" cmp other other.after
}

test_a_live_peer_is_left_alone() {
  echo "192.0.2.3 far.test" >/etc/hosts
  run resolve ./wg0.conf
  exits 0
  err_is ""
  run up ./wg0.conf
  exits 0
  err_is ""
  endpoint_is 192.0.2.2:51821
}

test_a_silent_peer_gets_the_new_address() {
  ip -n far addr del 192.0.2.2/24 dev far0
  ip -n far addr add 192.0.2.3/24 dev far0 2>/dev/null
  ip -n far addr add 192.0.2.4/24 dev far0 2>/dev/null
  sleep 2
  run --json resolve ./wg0.conf --older-than 1
  exits 0
  out_json '.ops | length == 1'
  endpoint_is 192.0.2.3:51821
  of_other >other.after
  check "the other peer did not move" cmp other other.after
  check "the named peer" pings 10.9.0.2
  run resolve ./wg0.conf --older-than 1
  exits 0
  err_is ""
  run up ./wg0.conf
  exits 0
  err_is ""
}

# reresolve-dns.sh works on any interface; so does this.
test_an_interface_of_wg_quick() {
  run down ./wg0.conf
  exits 0
  wg-quick up ./wg0.conf >out 2>&1 || exit 1
  echo "192.0.2.9 far.test" >/etc/hosts
  run resolve ./wg0.conf
  exits 0
  endpoint_is 192.0.2.9:51821
  : >/etc/hosts
  run resolve ./wg0.conf
  exits 0
  err_has 'the host "far.test" cannot be looked up'
  endpoint_is 192.0.2.9:51821
  wg-quick down ./wg0.conf >out 2>&1
}

test_errors() {
  : >/etc/hosts
  run up ./wg0.conf --unresolved error
  exits 1
  err_has 'the host "far.test" cannot be looked up'
  check "no interface" not exists wg0
  run up ./wg0.conf --unresolved never
  exits 2
  ip link add wg1 type wireguard
  run set wg1 peer "$far_public" endpoint far.test:1
  exits 1
  check "no peer" [ -z "$(wg show wg1 peers)" ]
  WG_ENDPOINT_RESOLUTION_RETRIES=x run set wg1 peer "$far_public" endpoint 192.0.2.2:1
  exits 1
  err_has WG_ENDPOINT_RESOLUTION_RETRIES
  WG_ENDPOINT_RESOLUTION_RETRIES=x wg set wg1 peer "$far_public" endpoint 192.0.2.2:1 2>err
  check "so does wg" [ $? -eq 1 ]
  ip link del wg1
}

# A name server that never answers: --resolve-timeout holds, whatever the retries.
test_the_timeout() {
  local started=$SECONDS
  echo "nameserver 192.0.2.200" >/etc/resolv.conf
  ip neigh add 192.0.2.200 lladdr 02:00:00:00:00:99 dev near0
  WG_ENDPOINT_RESOLUTION_RETRIES=infinity run up ./wg0.conf --resolve-timeout 3
  exits 0
  check "time" [ $((SECONDS - started)) -lt 12 ]
  err_has 'the host "far.test" cannot be looked up'
  run down ./wg0.conf
  exits 0
}

make_far_side
write_names
run_tests test_a_name_that_comes_later test_a_live_peer_is_left_alone \
  test_a_silent_peer_gets_the_new_address test_an_interface_of_wg_quick test_errors \
  test_the_timeout test_secrets
