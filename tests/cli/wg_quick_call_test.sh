#!/bin/bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# wgnet under the names wg and wg-quick beside the real ones: scripts that call them by PATH run on
# machines of their own, and all that they find out is the same. Needs root, and changes nothing
# outside namespaces of its own:
#   tests/guest/run -- tests/cli/wg_quick_call_test.sh path/to/wgnet
source "$(dirname "$(realpath "$0")")/call_words.sh"

# What all scripts begin with.
preamble() {
  cat <<X
near_key=$near_key far=$(public_of "$far_key") psk=$psk
write() {
  printf '%s\n' "[Interface]" "PrivateKey = \$near_key" "Address = 10.9.0.1/24, fd09::1/64" \\
    "ListenPort = 51820" "\$@" "[Peer]" "PublicKey = \$far" "PresharedKey = \$psk" \\
    "Endpoint = 192.0.2.2:51821" "AllowedIPs = 10.9.0.2/32, fd09::2/128, 10.20.0.0/16"
}
routes() { ip route show table all dev "\$1" | sed 's/ proto [^ ]*//' | sort; }
# In the order of the names: that of allowed IPs means nothing.
peers() { wg show "\$1" allowed-ips | tr '\t ' '\n\n' | sort; wg show "\$1" endpoints; }
umask 077
X
}

# ---- tests ----

test_from_up_to_down() {
  (
    preamble
    cat <<'X'
write "MTU = 1300" >wg0.conf
wg-quick up ./wg0.conf; echo "up: $?"
peers wg0; routes wg0; ip -br address show wg0; cat /sys/class/net/wg0/mtu
wg set wg0 peer "$far" allowed-ips 10.30.0.0/16; echo "set: $?"
wg showconf wg0 | sed '/^AllowedIPs/{s/.*= //;s/, /\n/g}' | sort
wg-quick strip ./wg0.conf; echo "strip: $?"
wg syncconf wg0 <(wg-quick strip ./wg0.conf); echo "reload: $?"
peers wg0
wg-quick save ./wg0.conf; echo "save: $?"
wg-quick down ./wg0.conf; echo "down: $?"
wg show interfaces; ip -br link show type wireguard
ip rule; ip -6 rule; nft list ruleset
X
  ) >script
  same_with mixed ours
}

test_by_name() {
  (
    preamble
    cat <<'X'
write >/etc/wireguard/home.conf
wg-quick up home; echo "up: $?"
peers home; routes home
wg-quick down home; echo "down: $?"
ip -br link show type wireguard
wg-quick up ./nothing.conf; echo "no file: $?"
wg-quick down nothing; echo "no file, down: $?"
wg-quick down home; echo "not up: $?"
X
  ) >script
  same_with mixed ours
}

test_full_tunnel() {
  (
    preamble
    cat <<'X'
ip link add up0 type veth peer name up1
ip link set up0 up; ip link set up1 up
ip address add 192.0.2.1/24 dev up0
ip route add default via 192.0.2.254
write >wg0.conf
sed -i 's/^AllowedIPs.*/AllowedIPs = 0.0.0.0\/0/' wg0.conf
wg-quick up ./wg0.conf; echo "up: $?"
wg show wg0 fwmark; routes wg0; ip rule | sed 's/ proto 87//'
ip route get 198.51.100.1 | grep -o 'dev wg0 table 51820'
ip route get 198.51.100.1 mark 51820 | grep -o 'dev up0'
wg-quick down ./wg0.conf; echo "down: $?"
ip rule
ip route get 198.51.100.1 | grep -o 'dev up0'
X
  ) >script
  same_with mixed ours
}

test_how_it_is_called() {
  (
    preamble
    cat <<'X'
write >wg0.conf
for words in "" up "up ./wg0.conf now" "start ./wg0.conf" "--help ./wg0.conf" show "up a/b"; do
  wg-quick $words; echo "'$words': $?"
done
for words in --help -h help; do wg-quick $words; echo "'$words': $?"; done
X
  ) >script
  same_with mixed ours
  check "usage" grep -q '^Usage: .*wg-quick up|down|save|strip ' err.ours
}

# The line of a text in the standard error of ours.
line_of() { grep -n -m 1 -- "$1" err.ours | cut -d: -f1; }

# Each hook's output stands below its line, wherever the other steps are. No hook has an `&`, which
# the real save garbles.
test_hooks() {
  local whose saved
  (
    preamble
    cat <<'X'
write "PreUp = echo PreUp >>/dev/stderr" "PostUp = echo PostUp %i >>/dev/stderr; wg show %i peers" \
  "PostUp = echo second" "PreDown = wg set %i peer $far persistent-keepalive 7" \
  "PreDown = echo PreDown >>/dev/stderr" \
  "PostDown = echo PostDown >>/dev/stderr; grep -h Keepalive wg0.conf" \
  "SaveConfig = true" >wg0.conf
wg-quick up ./wg0.conf; echo "up: $?"
wg-quick down ./wg0.conf; echo "down: $?"
sed -i 's/^PostUp = echo second/PostUp = exit 3/' wg0.conf
wg-quick up ./wg0.conf; echo "up: $((!!$?))"
ip -br link show type wireguard
X
  ) >script
  same_with mixed ours
  for whose in real ours; do
    grep -A 1 '^\[#\] .*echo P' "err.$whose" | grep -v '^\[#\] [iw]\|^--' >"hooks.$whose"
    check "hooks are told" [ "$(wc -l <"hooks.$whose")" -gt 6 ]
  done
  check "as wg-quick tells them" diff -U 0 hooks.real hooks.ours
  saved=$(line_of '^\[#\] wgnet save')
  check "saving comes after PreDown" [ "$saved" -gt "$(line_of '^PreDown')" ]
  check "and before the rest" [ "$saved" -lt "$(line_of ' ip link del')" ]
}

# What wg-quick cannot do.
test_up_twice() {
  (
    preamble
    cat <<'X'
write >wg0.conf
wg-quick up ./wg0.conf && wg-quick up ./wg0.conf && sed -i 's/10.20/10.21/' wg0.conf &&
  wg-quick up ./wg0.conf && ip route show 10.21.0.0/16 && wg-quick down ./wg0.conf
X
  ) >script
  run_script ours
  exits 0
  out_has "10.21.0.0/16 dev wg0"
  check "one link" [ "$(grep -c '^\[#\] ip link add' err)" -eq 1 ]
}

test_not_root() {
  write_conf
  ran="wg-quick up as nobody"
  setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all \
    bash -c 'exec -a wg-quick "$1" up wg0' bash "$wgnet" >out 2>err
  status=$?
  exits 1
  err_has "wg-quick: this has to be done as root"
}

run_tests test_from_up_to_down test_by_name test_full_tunnel test_how_it_is_called test_hooks \
  test_up_twice test_not_root
