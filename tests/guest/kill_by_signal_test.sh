#!/bin/bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# SIGKILL at system calls of `wgnet up` and `wgnet down`, those that change something outside of the
# process: after `wgnet recover` the machine is exactly as before, or as after. Needs root, and
# changes nothing outside namespaces of its own. Without WireGuard in the kernel, over wireguard-go:
#   tests/guest/suite --timeout 900 tests/guest/kill_by_signal_test.sh
#   tests/guest/kill_by_signal_test.sh
may_use_userspace=yes
source "$(dirname "$(realpath "$0")")/node_words.sh"

declare -A step_of=([sendmsg]=1 [pwrite64]=1 [renameat]=1 [unlinkat]=1)
# In the guest, a sample.
[[ $userspace == yes || -n ${WGNET_FULL-} ]] || step_of[sendmsg]=5
kills=0

make_machine() {
  add_machine near
  ip link add eth0 netns near type veth peer name eth0-far
  ip link set eth0-far up
  ip -n near link set eth0 up
  check "the uplink is up" within 10 has_uplink near
  ip -n near address add 192.168.5.10/24 dev eth0
  ip -n near route add default via 192.168.5.1
  on near sysctl -q net.ipv4.conf.eth0.rp_filter=1
  write_client "PostUp = true"
}

# Whether it was killed at the Nth call of this kind.
killed_at() {
  local call=$1 number=$2
  shift 2
  on near strace -o trace -e "trace=$call" -e "inject=$call:signal=KILL:when=$number" \
    "$wgnet" "$@" >out 2>err
  status=$?
  ran="wgnet $*, killed at $call $number"
  cat out err >>transcript
  ((status == 137))
}

# The state afterwards is one of the two, and there is nothing to recover any more.
recovers() {
  run --netns near recover
  exits 0
  save_state near now
  checks=$((checks + 1))
  if ! cmp -s now "$1" && ! cmp -s now "$2"; then
    failures=$((failures + 1))
    echo "FAIL after $ran: neither before nor after"
    diff -U 0 "$1" now | sed 's/^/  /'
  fi
  run --netns near recover
  out_is "nothing to recover"
}

# kill_everywhere VERB FROM TO, with the other verb going back.
kill_everywhere() {
  local call number
  for call in "${!step_of[@]}"; do
    for ((number = 1; ; number += step_of[$call])); do
      killed_at "$call" $number "$1" ./peer1.conf || break
      kills=$((kills + 1))
      recovers "$2" "$3"
      run --netns near "$4" ./peer1.conf
    done
    check "killed at every $call" [ $number -gt 1 ]
    run --netns near "$4" ./peer1.conf
  done
}

test_both_ends() {
  make_machine
  save_state near down
  run --netns near up ./peer1.conf
  exits 0
  save_state near up
  run --netns near down ./peer1.conf
  exits 0
}

test_up() { kill_everywhere up down up down; }

test_down() {
  run --netns near up ./peer1.conf
  kill_everywhere down up down up
}

run_tests test_both_ends test_up test_down test_secrets
echo "$kills kills"
