#!/bin/bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Taking over from the real wg-quick: `wgnet up` on a tunnel that it has made loses no packet and no
# session, and `wgnet down` leaves what there was before; and what it leaves of one of ours,
# `wgnet recover` removes. Needs root, wireguard-tools 1.0.20210914, and changes nothing outside
# namespaces of its own:
#   tests/guest/suite --timeout 900 tests/guest/take_over_test.sh
source "$(dirname "$(realpath "$0")")/node_words.sh"

# ---- machines ----

# `here` with an uplink to `there`, where the other end of the tunnel is.
make_machines() {
  rm -rf /run/wgnet
  add_machine here
  add_machine there
  ip link add eth0 netns here address 02:00:00:00:05:10 type veth \
    peer name eth0 netns there address 02:00:00:00:05:98
  ip -n here -b - <<X
link set eth0 up
address add 192.168.5.10/24 dev eth0
route add default via 192.168.5.198
X
  ip -n there -b - <<X
link set eth0 up
address add 192.168.5.198/24 dev eth0
link add wg0 type wireguard
address add 10.13.13.1/24 dev wg0
address add fd13::1/64 dev wg0
link set wg0 up
X
  on there wg set wg0 listen-port 51820 private-key <(echo $server_key) \
    peer "$client_public" preshared-key <(echo $tunnel_psk) allowed-ips 10.13.13.2/32,fd13::2/128
  check "the uplink is up" within 10 answers 192.168.5.198
}

answers() { on here ping -c 1 -W 1 "$1" >/dev/null; }

remove_machines() { ip netns del here && ip netns del there; }

# write ALLOWED_IPS [LINE...]: the file, with further lines of its [Interface].
write() {
  cat >peer1.conf <<X
[Interface]
Address = 10.13.13.2/24, fd13::2/64
PrivateKey = $client_key
$(printf '%s\n' "${@:2}")
[Peer]
PublicKey = $server_public
PresharedKey = $tunnel_psk
Endpoint = 192.168.5.198:51820
AllowedIPs = $1
X
}

readonly everything="0.0.0.0/0, ::/0" some="10.13.13.0/24, fd13::/64, 10.20.0.0/16, fd20::/32"

on_quick() {
  on here wg-quick "$@" >out 2>err
  status=$?
  ran="wg-quick $* in $case"
  check "exit status" [ $status -eq 0 ]
}

records() { find /run/wgnet -name '*.record'; }

# What wg-quick leaves behind when it goes, whoever takes the rest away.
readonly left_by_quick='^ipv4/conf/all/(src_valid_mark|send_redirects):'

save_but_settings() {
  save_state here "$1.whole"
  grep -Ev "$left_by_quick" "$1.whole" >"$1"
}

sessions() { on here wg show peer1 latest-handshakes | grep -F "$server_public"; }
received() { on here wg show peer1 transfer | grep -F "$server_public" | cut -f 2; }

# ---- taking over ----

# A ping through the tunnel in either family, from now on, for three seconds.
start_pings() {
  on here ping -q -i 0.05 -c 60 10.13.13.1 >ping4 2>&1 &
  ping4=$!
  on here ping -q -i 0.05 -c 60 fd13::1 >ping6 2>&1 &
  ping6=$!
}

check_pings() {
  check "the pings outlived it" kill -0 $ping4 $ping6
  wait $ping4 $ping6
  cp ping4 out && cp ping6 err
  check "no packet is lost" grep -q "60 received, 0% packet loss" ping4
  check "no packet is lost" grep -q "60 received, 0% packet loss" ping6
}

# `wgnet up` on what wg-quick has up, with packets on their way.
take_over() {
  local bytes
  check "the tunnel works" within 10 answers 10.13.13.1
  start_pings
  sessions >sessions.before
  bytes=$(received)
  run --netns here up ./peer1.conf
  exits 0
  cp err steps
  check "the link stays" not grep -q "ip link \(add\|del\)" steps
  check_pings
  sessions >sessions.after
  same "sessions" sessions.before sessions.after
  check "counters" [ "$(received)" -gt "$bytes" ]
}

# What is taken over is then as if wgnet had made it, and goes as if wg-quick had taken it down.
compare() {
  case=$1
  make_machines
  save_but_settings before
  on_quick up ./peer1.conf
  take_over
  check "the peer stays as it is" not grep -q "wg set .* peer" steps
  save_but_settings taken
  run --netns here up ./peer1.conf
  exits 0
  err_is ""
  save_but_settings again
  same "up again" taken again
  run --netns here down ./peer1.conf
  exits 0
  save_but_settings after
  same "down in $case" before after
  run --netns here up ./peer1.conf
  exits 0
  save_but_settings fresh
  # Neither a chosen port nor the order of allowed IPs means anything.
  sed -i -E '/^ListenPort/d; /^AllowedIPs/{s/.*= //;s/, /\n/g}' taken fresh
  sort -o taken taken && sort -o fresh fresh
  same "as if made by wgnet in $case" fresh taken
  run --netns here down ./peer1.conf
  exits 0
  remove_machines
}

test_taking_over() {
  write "$everything"
  compare full
  write "$some" "ListenPort = 51821"
  compare split
  write "10.13.13.0/24, fd13::/64" "Table = 1234" "FwMark = 0x1234"
  compare table
  write "$everything" "Address = 10.14.14.2/32, fd14::2/128" "FwMark = 0x4321" "MTU = 1380"
  compare addresses
  write "$some" "Address = fe80::13:2/64"
  compare link-local
  write "$some"
  grep '^PrivateKey' peer1.conf | sed 's/.*= //' >peer1.key
  sed -i "s|^PrivateKey.*|PostUp = wg set %i private-key $PWD/peer1.key|" peer1.conf
  compare hook
}

# What the file no longer wants goes, and what is new comes.
test_taking_over_with_changes() {
  case=changes
  write "$everything, 10.30.0.0/16" "Address = 10.14.14.2/32"
  echo "[Peer]
PublicKey = $(public_of "$far_key")
AllowedIPs = 10.40.0.0/16" >>peer1.conf
  make_machines
  on_quick up ./peer1.conf
  write "$some, 10.50.0.0/16"
  take_over
  state_of here >taken
  check "tables are gone" not grep -q '^table' taken
  check "rules are gone" not grep -q '^3276[45]:' taken
  check "the route is gone" not grep -q '10.30.0.0\|10.40.0.0' taken
  check "the route is there" grep -q '10.50.0.0/16 dev peer1 table main proto 87' taken
  check "the address is gone" not grep -q '10.14.14.2' taken
  check "the peer is gone" [ "$(on here wg show peer1 peers | wc -l)" -eq 1 ]
  check "no mark" [ "$(on here wg show peer1 fwmark)" = off ]
  remove_machines
}

# Rules, tables and routes of another tunnel of wg-quick's stay as they are.
test_taking_over_one_of_two() {
  case=two
  write "$everything"
  make_machines
  printf '[Interface]\nPrivateKey = %s\nAddress = 10.15.15.2/32\n[Peer]\nPublicKey = %s\n%s\n' \
    "$(new_key)" "$(public_of "$far_key")" "AllowedIPs = 0.0.0.0/0, ::/0" >other.conf
  on_quick up ./other.conf
  save_but_settings before
  on_quick up ./peer1.conf
  take_over
  run --netns here down ./peer1.conf
  exits 0
  save_but_settings after
  same "the other tunnel" before after
  remove_machines
}

# `down` knows what to do with what wg-quick has up.
test_down_of_what_is_not_ours() {
  case=down
  write "$everything"
  make_machines
  save_but_settings before
  on_quick up ./peer1.conf
  run --netns here down ./peer1.conf
  exits 0
  err_lacks "warning"
  save_but_settings after
  same "down" before after
  run --netns here down ./peer1.conf
  exits 1
  err_has "peer1 is not up"
  remove_machines
}

# A port that somebody has: what was wg-quick's is again as it was.
test_a_failure_gives_it_back() {
  case=failure
  write "$everything"
  make_machines
  on here wg-quick up ./peer1.conf >out 2>err
  ip -n here link add busy type wireguard
  on here wg set busy listen-port 51999
  ip -n here link set busy up
  save_state here before
  sed -i '/^PrivateKey/a ListenPort = 51999' peer1.conf
  run --netns here up ./peer1.conf
  exits 1
  err_has "rolled back, nothing left"
  save_state here after
  same "after the failure" before after
  check "no record" [ -z "$(records)" ]
  remove_machines
}

# Only who asks for it gets it.
test_not_asked_for() {
  case=not-asked
  write "$some"
  make_machines
  on_quick up ./peer1.conf
  save_state here before
  run --netns here apply ./peer1.conf
  exits 1
  err_has 'an interface "peer1" exists, and is not "wg-quick:peer1"'
  run --netns here --json up ./peer1.conf --owner other
  exits 0
  run --netns here up ./peer1.conf
  exits 1
  err_has 'an interface "peer1" exists, and is not "wg-quick:peer1"'
  remove_machines
}

# A peer that has moved on is not led back.
test_a_live_endpoint_stays() {
  case=endpoint
  write "$some"
  make_machines
  on_quick up ./peer1.conf
  check "the tunnel works" within 10 answers 10.13.13.1
  sed -i 's/^Endpoint.*/Endpoint = 192.168.5.77:1/' peer1.conf
  run --netns here up ./peer1.conf
  exits 0
  err_has "is in a session at 192.168.5.198:51820, which stays its endpoint"
  check "the endpoint" grep -q "192.168.5.198:51820" <(on here wg show peer1 endpoints)
  run --netns here up ./peer1.conf
  exits 0
  err_is ""
  remove_machines
}

# ---- recovering ----

recover_after_quick() {
  case=$1
  make_machines
  save_state here before
  run --netns here up ./peer1.conf
  exits 0
  check "the tunnel works" within 10 answers 10.13.13.1
  on_quick down ./peer1.conf
  run --netns here recover
  exits 0
  out_has "wg-quick:peer1: "
  save_state here after
  same "recovered in $case" before after
  check "no record" [ -z "$(records)" ]
  run --netns here recover
  exits 0
  out_is "nothing to recover"
  run --netns here up ./peer1.conf
  exits 0
  run --netns here down ./peer1.conf
  exits 0
  remove_machines
}

test_recovering() {
  write "$everything"
  recover_after_quick full
  write "$some" "Table = 1234"
  recover_after_quick table
}

# A link that just goes leaves its rules and tables.
test_recovering_a_lost_link() {
  case=lost
  write "$everything"
  make_machines
  save_state here before
  run --netns here up ./peer1.conf
  exits 0
  ip -n here link del peer1
  run --netns here --json recover
  exits 0
  out_json '.recovered[0].owner == "wg-quick:peer1" and .recovered[0].steps > 5'
  save_state here after
  same "recovered" before after
  check "no record" [ -z "$(records)" ]
  remove_machines
}

run_tests test_taking_over test_taking_over_with_changes test_taking_over_one_of_two \
  test_down_of_what_is_not_ours test_a_failure_gives_it_back test_not_asked_for test_a_live_endpoint_stays test_recovering \
  test_recovering_a_lost_link
