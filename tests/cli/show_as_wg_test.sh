#!/bin/bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# What `wgnet show` prints, beside what the real wg(8) prints, byte for byte. Needs root, and changes
# nothing outside namespaces of its own:
#   tests/guest/run -- tests/cli/show_as_wg_test.sh path/to/wgnet
source "$(dirname "$0")/command_words.sh"

clock=

# The clock stands, so that both say the same of a handshake.
stop_clock() {
  echo 'long time(long *now) { return now ? (*now = '"$1"') : '"$1"'; }' |
    cc -x c - -ffreestanding -shared -fPIC -o clock.so || exit 1
  clock=$tmp/clock.so
}

# The same words to both. Counters may move in between: then wg says something else afterwards.
show_as_wg() {
  LD_PRELOAD=$clock wg show "$@" >wg.out
  LD_PRELOAD=$clock run show "$@"
  cmp -s out wg.out || LD_PRELOAD=$clock wg show "$@" >wg.out
  check "show $* as wg(8) has it" cmp out wg.out
  exits 0
}

# Some public key, without the cost of a process.
numbered_key() { printf '%042dA=' "$1"; }

readonly fields="public-key private-key listen-port fwmark peers preshared-keys endpoints
  allowed-ips latest-handshakes transfer persistent-keepalive dump"

test_show_nothing() {
  show_as_wg
  show_as_wg interfaces
  show_as_wg all dump
  run show --json
  out_json '.devices == []'
}

# Two machines, a tunnel over IPv4 and one over IPv6, each with a handshake and traffic.
make_tunnels() {
  ip netns add far
  ip link add near-eth type veth peer name far-eth netns far
  ip address add 192.0.2.1/24 dev near-eth
  ip address add 2001:db8::1/64 dev near-eth nodad
  ip link set near-eth up
  ip -n far address add 192.0.2.2/24 dev far-eth
  ip -n far address add 2001:db8::2/64 dev far-eth nodad
  ip -n far link set far-eth up
  write_conf "PersistentKeepalive = 25"
  cat >wg1.conf <<X
[Interface]
PrivateKey = $(new_key)
Address = 10.10.0.1/24
ListenPort = 51830
FwMark = 0x10
[Peer]
PublicKey = $(public_of "$far_key")
Endpoint = [2001:db8::2]:51821
AllowedIPs = 10.10.0.2/32
[Peer]
PublicKey = $(numbered_key 1)
PresharedKey = $psk
AllowedIPs = fd10::/64
X
  cat >far.conf <<X
[Interface]
PrivateKey = $far_key
Address = 10.9.0.2/24, 10.10.0.2/24
ListenPort = 51821
[Peer]
PublicKey = $(public_of "$near_key")
PresharedKey = $psk
AllowedIPs = 10.9.0.1/32
[Peer]
PublicKey = $(sed -n 's/^PrivateKey = //p' wg1.conf | wg pubkey)
AllowedIPs = 10.10.0.1/32
X
  run --netns far up ./far.conf
  exits 0
  run up ./wg1.conf
  exits 0
  run up ./wg0.conf
  exits 0
  check "a tunnel over IPv6" ping -q -c 1 -w 20 10.10.0.2 >/dev/null
  check "a tunnel over IPv4" ping -q -c 20 -i 0.05 -s 60000 -w 20 10.9.0.2 >/dev/null
  stop_clock "$(($(date +%s) + 3740))"
}

# Another's link, with nothing at all on it.
make_bare() { ip link add bare type wireguard; }

# Another's link, with more peers than one message holds.
make_crowd() {
  ip link add crowd type wireguard
  {
    echo "[Interface]"
    local i
    for i in {1..200}; do
      printf '[Peer]\nPublicKey = %042dA=\nAllowedIPs = 10.%d.0.0/16, fd00:%x::/32, 172.16.%d.1/32\n' \
        "$i" "$i" "$i" "$i"
      ((i % 3)) || printf 'Endpoint = [2001:db8::%x]:%d\n' "$i" "$((i + 1000))"
      ((i % 4)) || printf 'PersistentKeepalive = %d\n' "$((i * 300))"
      ((i % 5)) || printf 'PresharedKey = %s\n' "$psk"
    done
  } >crowd.conf
  wg setconf crowd crowd.conf
}

test_show_pretty() {
  show_as_wg
  show_as_wg all
  check "there is traffic" grep -q 'MiB received' out
  check "there is a handshake" grep -q 'latest handshake: 1 hour, 2 minutes, [0-9]* second' out
  local device
  for device in wg0 wg1 bare; do show_as_wg "$device"; done
  WG_COLOR_MODE=always show_as_wg
  WG_HIDE_KEYS=always show_as_wg wg0
  WG_COLOR_MODE=never show_as_wg wg0
}

# On a terminal there is color, unless told otherwise.
test_show_terminal() {
  script -qec "wg show bare" /dev/null >wanted </dev/null
  script -qec "'$wgnet' show bare" /dev/null >out </dev/null
  check "color on a terminal" cmp out wanted
  check "color" grep -q $'\x1b' out
  WG_COLOR_MODE=never script -qec "'$wgnet' show bare" /dev/null >out </dev/null
  check "no color" not grep -q $'\x1b' out
}

# These show keys, so they are kept from the transcript.
test_show_keys() {
  cp transcript kept
  local field
  WG_HIDE_KEYS=never show_as_wg wg0
  check "keys" grep -qF "$psk" out
  for field in $fields; do
    show_as_wg wg0 "$field"
    # wg(8) up to 1.0.20210914 names the device only once there.
    [[ $field == endpoints ]] || show_as_wg all "$field"
  done
  show_as_wg bare dump
  local device
  for device in $(wg show interfaces); do wg show "$device" endpoints | sed "s/^/$device\t/"; done >wanted
  run show all endpoints
  check "all endpoints" cmp out wanted
  WG_HIDE_KEYS=never run show wg0 --json
  out_json ".devices[0].private_key == \"$near_key\""
  mv kept transcript
}

test_show_crowd() {
  show_as_wg interfaces
  show_as_wg
  show_as_wg crowd
  show_as_wg crowd allowed-ips
}

test_show_json() {
  run show wg0 --json
  exits 0
  out_json '(.devices | length == 1) and .devices[0].name == "wg0"
    and .devices[0].private_key == "(hidden)" and .devices[0].peers[0].rx_bytes > 1000000'
  run --json show interfaces
  out_json '.devices | length == 4'
}

test_show_elsewhere() {
  run --netns far show interfaces
  exits 0
  out_is "far"
  run show far
  exits 1
  err_has "there is no WireGuard interface far"
}

# An `up` that changes nothing, or something else, leaves a session alone.
test_sessions_stay() {
  local handshake
  handshake=$(wg show wg0 latest-handshakes)
  write_conf "PersistentKeepalive = 26"
  run up ./wg0.conf
  exits 0
  check "the session" [ "$(wg show wg0 latest-handshakes)" = "$handshake" ]
  run down wg0
  exits 0
  run down ./wg1.conf
  exits 0
  run --netns far down far
  exits 0
}

run_tests test_show_nothing make_tunnels make_bare test_show_pretty test_show_terminal \
  test_show_keys make_crowd test_show_crowd test_show_json test_show_elsewhere \
  test_sessions_stay test_secrets
