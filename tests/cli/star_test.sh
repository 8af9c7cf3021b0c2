#!/bin/bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# A star of one server and three clients, made and changed by scripts that call wg and wg-quick:
# with wgnet under those names, ping and iperf3 find out the same as with the real ones. Needs root,
# and changes nothing outside namespaces of its own:
#   tests/guest/suite --timeout 600 tests/cli/star_test.sh
source "$(dirname "$(realpath "$0")")/call_words.sh"

# What all scripts begin with: the machines on one LAN, and their files.
preamble() {
  cat <<'X'
set -u
umask 077
on() { ip netns exec "$@"; }
say() { echo "$1: ${*:2}"; }
number_of() { case $1 in server) echo 1 ;; *) echo "1${1#client}" ;; esac; }
name_of() { case $1 in server) echo hub ;; *) echo "spoke${1#client}" ;; esac; }
address_of() { echo "10.77.0.$(number_of "$1")"; }

ip link add lan up type bridge mcast_snooping 0
join() {
  ip netns add "$1"
  ip -n "$1" link set lo up
  ip link add eth0 netns "$1" type veth peer name "lan-$1"
  ip link set "lan-$1" master lan up
  ip -n "$1" link set eth0 up
  ip -n "$1" address add "192.168.5.$(number_of "$1")/24" dev eth0
}
clients="client1 client2 client3"
for each in server $clients; do
  join $each
  wg genkey >$each.key
  wg pubkey <$each.key >$each.pub
  wg genpsk >$each.psk
done

# Further lines of [Interface] may be given.
write_server() {
  printf '%s\n' "[Interface]" "Address = $(address_of server)/24, fd77::1/64" \
    "PrivateKey = $(cat server.key)" "ListenPort = 51820" "$@"
  for each in $clients; do
    printf '%s\n' "[Peer]" "# $each" "PublicKey = $(cat $each.pub)" \
      "PresharedKey = $(cat $each.psk)" \
      "AllowedIPs = $(address_of $each)/32, fd77::$(number_of $each)/128"
  done
}
# CLIENT ALLOWED-IPS LINE...
write_client() {
  printf '%s\n' "[Interface]" "Address = $(address_of $1)/24, fd77::$(number_of $1)/64" \
    "PrivateKey = $(cat $1.key)" "${@:3}" "[Peer]" "PublicKey = $(cat server.pub)" \
    "PresharedKey = $(cat $1.psk)" "AllowedIPs = $2" "Endpoint = 192.168.5.1:51820" \
    "PersistentKeepalive = 25"
}
up() { on $1 wg-quick up ./$(name_of $1).conf; say "$1 up" $?; }
down() { on $1 wg-quick down ./$(name_of $1).conf; say "$1 down" $?; }
star_up() {
  write_server "$@" >hub.conf
  up server
  for each in $clients; do
    write_client $each "10.77.0.0/24, fd77::/64" >$(name_of $each).conf
    up $each
  done
}
star_down() {
  for each in server $clients; do down $each; done
}
# FROM ADDRESS OPTION...
reaches() {
  local end=$((SECONDS + 15)) answer=no
  while ((SECONDS < end)) && [[ $answer == no ]]; do
    on $1 ping -q -c 1 -W 1 "${@:3}" $2 >/dev/null && answer=yes
  done
  say "$1 to $2" $answer
}
reaches_not() {
  local answer="not reached"
  on $1 ping -q -c 3 -i 0.2 -W 1 $2 >/dev/null && answer="still reached"
  say "$1 to $2" "$answer"
}
loses_nothing() { say "$1 to $2" "$(on $1 ping -q -c 50 -i 0.02 -w 20 $2 | grep -o '[0-9]*% packet loss')"; }
# FROM TO ADDRESS: for a second.
carries() {
  on $2 iperf3 -s -1 -B $3 -D -I "$PWD/iperf.pid"
  for ((i = 0; i < 100; ++i)); do
    on $2 ss -Hltn "sport = 5201" | grep -q . && break
    sleep 0.05
  done
  on $1 iperf3 -c $3 -t 1 -J >iperf.json
  say "iperf3 $1 to $2" "$(jq -c '.error // (.end.sum_received.bytes > 100000)' iperf.json)"
}
endpoint_at() { on $1 wg show $(name_of $1) endpoints | grep -F "$(cat $2.pub)" | cut -f 2 | cut -d : -f 1; }
handshake_at() { on $1 wg show $(name_of $1) latest-handshakes | grep -F "$(cat $2.pub)" | cut -f 2; }
X
}

script() {
  (
    preamble
    cat
  ) >script
  same_with ours
  out_lacks ": no$"
  out_lacks "false"
  out_lacks "[1-9][0-9]*% packet loss"
  out_lacks "still reached"
}

out_lacks() { check "output lacks $1" not grep -q -- "$1" out; }

test_star() {
  script <<'X'
star_up
for each in $clients; do
  reaches $each 10.77.0.1
  reaches $each fd77::1
  loses_nothing $each 10.77.0.1
  say "$each is at" $(endpoint_at server $each)
done
reaches server 10.77.0.12
carries client1 server 10.77.0.1
carries server client3 10.77.0.13
say peers $(on server wg show hub peers | wc -l) transfer $(on server wg show hub transfer | awk '$2 > 0 && $3 > 0' | wc -l)
star_down
for each in server $clients; do say "$each has" $(on $each wg show interfaces) $(ip -n $each -br link | wc -l); done
X
}

# The server follows a client that moves, and a client the server.
test_roaming() {
  script <<'X'
star_up
reaches client1 10.77.0.1
say at $(endpoint_at server client1)
ip -n client1 address flush dev eth0
ip -n client1 address add 192.168.5.111/24 dev eth0
reaches client1 10.77.0.1
say at $(endpoint_at server client1)
loses_nothing client1 10.77.0.1
reaches server 10.77.0.11
ip -n server address add 192.168.5.2/24 dev eth0
on client2 wg set spoke2 peer $(cat server.pub) endpoint 192.168.5.2:51820
reaches client2 10.77.0.1
say at $(endpoint_at client2 server)
on server wg set hub listen-port 51899
on client3 wg set spoke3 peer $(cat server.pub) endpoint 192.168.5.1:51899
reaches client3 10.77.0.1
say port $(on server wg show hub listen-port)
star_down
X
}

test_key_rotation() {
  script <<'X'
star_up
reaches client1 10.77.0.1
loses_nothing client2 10.77.0.1
before=$(handshake_at server client2)
wg genkey >new.key
wg pubkey <new.key >new.pub
on server wg set hub peer $(cat client1.pub) remove \
  peer $(cat new.pub) preshared-key client1.psk allowed-ips 10.77.0.11/32,fd77::11/128
say set $?
on client1 wg set spoke1 private-key new.key
reaches client1 10.77.0.1
reaches client1 fd77::1
say old $(on server wg show hub peers | grep -cF "$(cat client1.pub)")
say derived $([[ $(on client1 wg show spoke1 public-key) == $(cat new.pub) ]] && echo equal)
say others $([[ $(handshake_at server client2) == "$before" ]] && echo kept)
# The server's own key, and the file that follows it.
wg genkey >server.key
wg pubkey <server.key >new_server.pub
on server wg set hub private-key server.key
for each in client2 client3; do
  on $each wg set $(name_of $each) peer $(cat server.pub) remove peer $(cat new_server.pub) \
    preshared-key $each.psk endpoint 192.168.5.1:51820 allowed-ips 10.77.0.0/24
done
cp new_server.pub server.pub
reaches client2 10.77.0.1
reaches client3 10.77.0.1
cp new.pub client1.pub
write_server >hub.conf
on server wg syncconf hub <(wg-quick strip ./hub.conf)
say syncconf $? $(on server wg show hub peers | wc -l)
loses_nothing client2 10.77.0.1
star_down
X
}

# Sessions that there are go on, so the peer is made anew.
test_preshared_keys() {
  script <<'X'
star_up
reaches client1 10.77.0.1
anew() {
  on client1 wg set spoke1 peer $(cat server.pub) remove peer $(cat server.pub) preshared-key $1 \
    endpoint 192.168.5.1:51820 allowed-ips 10.77.0.0/24
}
wg genpsk >new.psk
anew new.psk
reaches_not client1 10.77.0.1
on server wg set hub peer $(cat client1.pub) preshared-key new.psk
say set $?
anew new.psk
reaches client1 10.77.0.1
say psk $([[ $(on server wg show hub preshared-keys | grep -F "$(cat client1.pub)" | cut -f 2) == $(cat new.psk) ]] && echo new)
on server wg set hub peer $(cat client1.pub) preshared-key /dev/null
anew /dev/null
reaches client1 10.77.0.1
say psk $(on server wg show hub preshared-keys | grep -c none)
loses_nothing client2 10.77.0.1
star_down
X
}

# The link is made where the outside is, and moved to where its users are.
test_namespaces() {
  script <<'X'
write_server >hub.conf
up server
ip netns add inside
ip -n inside link set lo up
on client1 ip link add spoke1 type wireguard
on client1 wg set spoke1 private-key client1.key peer $(cat server.pub) preshared-key client1.psk \
  endpoint 192.168.5.1:51820 allowed-ips 0.0.0.0/0,::/0
say set $?
ip -n client1 link set spoke1 netns inside
ip -n inside address add 10.77.0.11/24 dev spoke1
ip -n inside link set spoke1 up
ip -n inside route add default dev spoke1
reaches inside 10.77.0.1
say shows $(on inside wg show interfaces) $(on inside wg show spoke1 peers | wc -l)
carries inside server 10.77.0.1
on inside wg set spoke1 peer $(cat server.pub) persistent-keepalive 25
say set $? $(on inside wg show spoke1 persistent-keepalive | cut -f 2)
ip -n inside link del spoke1

# By a hook, and again when the moved one is gone.
write_client client2 10.77.0.0/24 "Table = off" "PostUp = ip link set %i netns inside" \
  "PostUp = ip -n inside address add 10.77.0.12/24 dev %i; ip -n inside link set %i up" >spoke2.conf
for round in 1 2; do
  up client2
  reaches inside 10.77.0.1
  say left $(on client2 wg show interfaces) in $(on inside wg show interfaces)
  ip -n inside link del spoke2
done
down server
X
}

# One client has a table of its own, another sends everything through the tunnel but what is marked,
# and the server leads it outside.
test_policy_routing() {
  script <<'X'
ip netns add outside
ip link add eth1 netns server type veth peer name eth0 netns outside
ip -n server address add 203.0.113.1/24 dev eth1
ip -n server link set eth1 up
ip -n outside address add 203.0.113.2/24 dev eth0
ip -n outside link set eth0 up
on server sysctl -q net.ipv4.ip_forward=1
star_up "PostUp = nft add table ip star; nft add chain ip star post '{ type nat hook postrouting priority 100; }'" \
  "PostUp = nft add rule ip star post iifname %i oifname eth1 masquerade" \
  "PostDown = nft delete table ip star"
for each in $clients; do down $each; ip -n $each route add default via 192.168.5.1; done

write_client client1 0.0.0.0/0 "Table = 200" \
  "PostUp = ip rule add from 10.77.0.11 table 200 priority 1000" \
  "PostDown = ip rule del from 10.77.0.11 table 200 priority 1000" >spoke1.conf
up client1
reaches client1 203.0.113.2 -I 10.77.0.11
say route "$(ip -n client1 route get 203.0.113.2 | grep -o 'dev [a-z0-9]*')"
say route "$(ip -n client1 route get 203.0.113.2 from 10.77.0.11 | grep -o 'dev .* table 200')"
say table "$(ip -n client1 route show table 200 | grep -o 'default dev spoke1')"
down client1
say rules $(ip -n client1 rule | wc -l)

write_client client2 "0.0.0.0/0, ::/0" "FwMark = 0x4d2" \
  "PostUp = ip rule add fwmark 77 lookup main priority 500" "PostDown = ip rule del priority 500" >spoke2.conf
up client2
reaches client2 203.0.113.2
loses_nothing client2 203.0.113.2
for mark in 0 77 1234; do
  say mark $mark "$(ip -n client2 route get 203.0.113.2 mark $mark | grep -o 'dev [a-z0-9]*')"
done
carries client2 outside 203.0.113.2
say rules $(ip -n client2 rule | wc -l)
down client2
say rules $(ip -n client2 rule | wc -l)
down server
X
}

run_tests test_star test_roaming test_key_rotation test_preshared_keys test_namespaces \
  test_policy_routing test_secrets
