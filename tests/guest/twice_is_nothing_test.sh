#!/bin/bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# `wgnet apply` of what is in place already, as others see it: `ip monitor` and `nft monitor` print
# nothing, and strace shows no message that changes anything and no write to a setting or record.
#   tests/guest/suite tests/guest/twice_is_nothing_test.sh
source "$(dirname "$0")/../cli/command_words.sh"

calls=sendmsg,sendto,write,pwrite64,rename,renameat,renameat2,unlink,unlinkat

make_uplink() {
  ip link add eth0 type ifb && ip address add 192.168.5.1/24 dev eth0 && ip link set eth0 up
  echo 1 >/proc/sys/net/ipv4/conf/eth0/rp_filter
  cat >node.json <<X
{"schema": "wgnet/1",
 "interfaces": [
   {"name": "wg0", "private_key": "$near_key", "listen_port": 51820,
    "addresses": ["10.9.0.1/24", "fd09::1/64"],
    "peers": [{"public_key": "$(public_of "$far_key")", "preshared_key": "$psk",
               "endpoint": "192.168.5.9:51820", "allowed_ips": ["0.0.0.0/0", "::/0"]}]}],
 "nat_rules": [{"source": ["10.9.0.0/24", "10.11.0.0/24"], "out_interface": "eth*"}],
 "forward_rules": [{"one": "wg0", "other": "eth*"}]}
X
}

# ---- those who listen ----

start_monitors() {
  stdbuf -oL ip monitor all >ip-events 2>&1 &
  monitors=$!
  stdbuf -oL nft monitor >nft-events 2>&1 &
  monitors+=" $!"
  listens
}

heard() { stat -c %s "$1"; }
heard_since() { tail -c "+$(($2 + 1))" "$1"; }

# A change of the test's own is heard.
listens() {
  check "the monitors listen" within 60 hear_a_change "$(heard ip-events)" "$(heard nft-events)"
}

hear_a_change() {
  ip route add blackhole 198.18.0.1 && ip route del blackhole 198.18.0.1
  nft add table probe && nft delete table probe
  sleep 0.1
  [[ $(heard ip-events) -gt $1 && $(heard nft-events) -gt $2 ]]
}

# Nothing more comes: addresses get their routes a moment later.
wait_for_quiet() {
  local now before="" since=$SECONDS
  while ((SECONDS < since + 2)); do
    now="$(heard ip-events) $(heard nft-events)"
    [[ $now == "$before" ]] || since=$SECONDS
    before=$now
    sleep 0.1
  done
}

# ---- what is seen of a process ----

apply_traced() {
  strace -f -y -s 64 -e trace="$calls" -o "$1" "$wgnet" apply node.json >out 2>err </dev/null
  status=$?
  ran="wgnet apply node.json, traced to $1"
}

# The messages in a trace that change something, by what they do.
changes_in() {
  grep -oE 'nlmsg_type=[^,]*(RTM|NFT_MSG)_(NEW|DEL|SET|DESTROY)[A-Z]*' "$1"
  grep -oE 'NFNL_MSG_BATCH_BEGIN' "$1"
  # strace knows no attributes of WireGuard: the first byte is the command, 1 is SET_DEVICE.
  grep -oE 'nlmsg_type=wireguard, [^"]*"\\x01' "$1"
}

writes_in() { grep -E '(write|pwrite64)\([0-9]+<' "$1" | grep -E "$2"; }
files_in() { find /run/wgnet -type f ! -name lock -printf '%p %i %T@ %C@\n' | sort; }

test_first_is_seen() {
  local before_ip before_nft each
  start_monitors
  wait_for_quiet
  before_ip=$(heard ip-events) before_nft=$(heard nft-events)
  apply_traced first
  exits 0
  for each in RTM_NEWLINK RTM_NEWADDR RTM_NEWROUTE RTM_NEWRULE NFT_MSG_NEWTABLE NFT_MSG_NEWRULE \
    NFNL_MSG_BATCH_BEGIN nlmsg_type=wireguard; do
    check "the first trace shows $each" grep -q "$each" <(changes_in first)
  done
  check "the first trace shows a setting" grep -q . <(writes_in first '</proc/sys/net/')
  check "the first trace shows a record" grep -q . <(writes_in first '</run/wgnet/.*record')
  check "the first trace shows a rename" grep -q 'rename' first
  wait_for_quiet
  heard_since ip-events "$before_ip" >ip-first
  heard_since nft-events "$before_nft" >nft-first
  for each in LINK ADDR ROUTE RULE NETCONF; do
    check "ip monitor heard of $each" grep -q "^\[$each\]" ip-first
  done
  check "nft monitor heard of a rule" grep -q '^add rule' nft-first
}

test_second_is_nothing() {
  local before_ip before_nft
  files_in >files-before
  check "there is a record" grep -q record files-before
  state >state-before
  wait_for_quiet
  before_ip=$(heard ip-events) before_nft=$(heard nft-events)
  apply_traced second
  exits 0
  out_is "nothing to do"
  wait_for_quiet
  check "ip monitor is quiet" [ "$(heard_since ip-events "$before_ip")" = "" ]
  check "nft monitor is quiet" [ "$(heard_since nft-events "$before_nft")" = "" ]
  check "the second trace is one" [ "$(grep -c 'RTM_GET' second)" -gt 5 ]
  check "no message changes anything" [ "$(changes_in second)" = "" ]
  check "no setting is written" [ "$(writes_in second '</proc/')" = "" ]
  check "no record is written" [ "$(writes_in second '</run/wgnet/' | grep -v '/lock>')" = "" ]
  check "no file is renamed or removed" not grep -qE 'rename|unlink' second
  check "the files are the same" cmp files-before <(files_in)
  check "the state is the same" cmp state-before <(state)
  listens
  echo "changes sent: first $(changes_in first | wc -l), second $(changes_in second | wc -l)"
}

test_delete() {
  # shellcheck disable=SC2086
  kill $monitors
  run delete default
  exits 0
  check "no interface is left" not exists wg0
}

mkdir -m 700 /run/wgnet
make_uplink
run_tests test_first_is_seen test_second_is_nothing test_delete
