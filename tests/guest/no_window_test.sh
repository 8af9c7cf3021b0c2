#!/bin/bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# There is no moment, while a server and a client come up, are changed and go down, at which a packet
# of the tunnel leaves the server with its inner source, a packet for the client's LAN goes into the
# tunnel, or one from the LAN is accepted at the client's address in the tunnel. Packets are sent all
# the time, in new flows and in one that is held open from before a round to its end, and captured.
# Needs root, and changes nothing outside namespaces of its own:
#   tests/guest/suite --timeout 1200 tests/guest/no_window_test.sh
source "$(dirname "$(realpath "$0")")/node_words.sh"
# shellcheck source=three_hosts.sh
source "$here/three_hosts.sh"

readonly rounds=$((${WGNET_FULL:-0} ? 50 : 4))
readonly held="client.held neighbour.held neighbour.held_attack"
readonly senders="$held client.far client.lan neighbour.client neighbour.attack neighbour.spoofed"
readonly leaks="server.unmasqueraded server.lan capture.lan client.to.10.13.13.2 far.from.other"
declare -A count planted probes

end_probes() {
  [[ ${#probes[@]} -eq 0 ]] || kill "${probes[@]}"
  wait
}
trap 'end_probes; leave; tell' EXIT

# ---- probes ----

# probe MACHINE NAME OPTION...: the counts are in NAME.counts.
probe() {
  ip netns exec "$1" /usr/bin/python3 -B "$here/probe.py" "$2.counts" "${@:3}" 2>>probe.errors &
  probes[$2]=$!
}

start_probes() {
  probe server server --sniff unmasqueraded out eth1 src 10.13.13.0/24 \
    --sniff masqueraded out eth1 src $server_outside/32 \
    --sniff tunnelled in wireguard dst $far_address/32 --sniff lan in wireguard dst 192.168.5.0/24
  probe client capture --sniff lan out wireguard dst 192.168.5.0/24 \
    --sniff tunnelled out wireguard dst $far_address/32 --sniff attacks in eth0 dst 10.13.13.2/32
  probe client client --hold held $far_address 10.13.13.2 4000 \
    --send far $far_address 10.13.13.2 --send lan $neighbour_address $client_address \
    --to $client_address --to 10.13.13.2
  probe neighbour neighbour --hold held $client_address $neighbour_address 4000 \
    --hold held_attack 10.13.13.2 $neighbour_address 5000 \
    --send client $client_address $neighbour_address \
    --send attack 10.13.13.2 $neighbour_address --send spoofed 10.13.13.2 10.13.13.1 \
    --from $client_address
  probe far far --from $server_outside
  local sender
  for sender in $senders; do await "$sender.sent" 5; done
}

# A flow that the kernel has not seen before, so that no translation of an earlier one applies.
hold_new_flows() {
  local each
  kill -USR1 "${probes[client]}" "${probes[neighbour]}"
  for each in $held; do
    check "$each is a new flow" within 60 has_count "$each.flows" $((round + 1))
    await "$each.sent" 2
  done
}

read_counts() {
  local file name number
  for file in *.counts; do
    [[ -e $file ]] || continue
    while read -r name number; do count[${file%counts}$name]=$((10#$number)); done <"$file"
  done
}

has_count() {
  read_counts
  ((${count[$1]-0} >= $2))
}

# Waits until a count has grown by so much.
await() {
  read_counts
  check "$1 grows by $2" within 60 has_count "$1" $((${count[$1]-0} + $2))
}

# ---- a command that takes its time ----

# Stops for a moment after each message and each write of a setting, so that packets of every sender
# meet the kernel as it is then.
write_slow_wgnet() {
  local calls=sendmsg,pwrite64
  cat >slow_wgnet <<X
#!/bin/bash
exec strace -f --seccomp-bpf -o /dev/null -e trace=$calls -e inject=$calls:delay_exit=50000 \
  $wgnet "\$@"
X
  chmod +x slow_wgnet
}

# ---- plants: each of the leaks is seen where there is one ----

# plant LEAK MACHINE COMMAND...: a command that makes a leak, which is then counted.
plant() {
  local leak=$1
  read_counts
  local before=${count[$leak]}
  on "${@:2}" || check "a plant" false
  await "$leak" 3
  planted[$leak]=$((count[$leak] - before))
}

test_plants() {
  plant client.to.10.13.13.2 client ip address add 10.13.13.2/32 dev lo
  on client ip address del 10.13.13.2/32 dev lo
  server_comes_up
  client_comes_up
  await server.masqueraded 10
  plant server.unmasqueraded server nft flush chain inet wgnet-gateway postrouting
  planted[far.from.other]=${count[far.from.other]}
  server_apply
  exits 0
  out_has " steps done"
  plant capture.lan client ip rule add priority 1 to $neighbour_address lookup 51820
  await server.lan 3
  planted[server.lan]=${count[server.lan]}
  on client ip rule del priority 1
  await server.masqueraded 10
  settle
  local leak
  for leak in $leaks; do
    echo "planted $leak: ${planted[$leak]}"
    check "a planted $leak" [ "${planted[$leak]}" -gt 0 ]
  done
}

# What is on its way arrives; leaks are counted from here.
settle() {
  sleep 1
  read_counts
  local leak
  for leak in $leaks; do planted[$leak]=${count[$leak]}; done
}

# ---- rounds ----

no_leak() {
  local leak
  for leak in $leaks; do
    check "$leak while $1" [ "${count[$leak]}" -eq "${planted[$leak]}" ]
    leaked=$((leaked + count[$leak] - planted[$leak]))
    planted[$leak]=${count[$leak]}
  done
}

# phase WHAT COMMAND: the command, with all senders at work; `live` names a count that grows, too.
phase() {
  local what="round $round, $1" sender
  local -A before
  read_counts
  for sender in $senders; do before[$sender]=${count[$sender.sent]}; done
  local through=${count[server.tunnelled]}
  $2
  exits 0
  read_counts
  for sender in $senders; do
    check "$sender while $what" [ "${count[$sender.sent]}" -gt $((before[$sender] + 1)) ]
  done
  [[ -z ${live-} ]] || check "traffic while $what" [ "${count[server.tunnelled]}" -gt "$through" ]
  no_leak "$what"
  phases=$((phases + 1))
}

# In odd rounds sizes change, in even ones what steers packets.
change_server() {
  if ((round % 2)); then
    write_server '"mtu": 1380,' '"persistent_keepalive": 25,'
  else
    write_server
    sed -i 's,\["10.13.13.0/24"\],["10.13.13.0/24"\, "10.14.0.0/16"],' server.json
  fi
}

change_client() {
  if ((round % 2)); then
    write_client "MTU = 1380" "Address = 10.13.14.2"
  else
    write_client "FwMark = 0x1234"
  fi
}

live() { live=yes phase "$@"; }

test_round() {
  local wgnet=$wgnet
  ((round % 10 > 2)) || wgnet=$tmp/slow_wgnet
  hold_new_flows
  if ((round % 2)); then
    phase "the server comes up" server_apply
    phase "the client comes up" client_up
  else
    phase "the client comes up" client_up
    phase "the server comes up" server_apply
  fi
  await server.masqueraded 20
  change_server
  live "the server changes" server_apply
  write_server
  live "the server changes back" server_apply
  change_client
  live "the client changes" client_up
  write_client
  live "the client changes back" client_up
  await client.far.answered 5
  await client.held.answered 5
  if ((round % 2)); then
    live "the server goes down" server_delete
    phase "the client goes down" client_down
  else
    live "the client goes down" client_down
    phase "the server goes down" server_delete
  fi
}

test_rounds() {
  both_go_down
  settle
  phases=0 leaked=0
  for ((round = 1; round <= rounds; ++round)); do test_round; done
  settle_and_tell
}

settle_and_tell() {
  sleep 1
  read_counts
  no_leak "all is over"
  echo "$rounds rounds, $phases phases"
  check "all phases" [ $phases -eq $((8 * rounds)) ]
  local name
  for name in $(printf '%s\n' "${!count[@]}" | sort); do echo "$name ${count[$name]}"; done
  for name in server capture; do check "$name missed none" [ "${count[$name.missed]}" -eq 0 ]; done
  for name in capture.attacks server.masqueraded client.far.answered client.held.answered \
    neighbour.client.answered neighbour.held.answered client.lan.answered; do
    check "$name" [ "${count[$name]}" -gt 100 ]
  done
  for name in $held; do check "$name.flows" [ "${count[$name.flows]}" -eq $((rounds + 1)) ]; done
}

tell() {
  local sender sent=0 of_held=0
  for sender in $senders; do sent=$((sent + count[$sender.sent])); done
  for sender in $held; do of_held=$((of_held + count[$sender.sent])); done
  echo "$sent packets sent, $of_held of them in held flows; $leaked seen where none may be"
}

# ---- tests ----

test_hosts() {
  make_hosts
  ip -n neighbour address add 10.13.13.1/32 dev lo
  ip -n neighbour route add 10.13.13.2/32 via $client_address
  save_both before
  write_slow_wgnet
  start_probes
}

test_state() {
  local each
  for each in "${probes[@]}"; do check "a probe ran to the end" kill -0 "$each"; done
  check "no probe has anything to say" [ ! -s probe.errors ]
  both_are_as_before
}

run_tests test_hosts test_plants test_rounds test_state test_secrets
