#!/bin/bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# `wgnet watch`: one line for each event, or one document; what it repairs, and how it ends. Needs
# root, and changes nothing outside namespaces of its own:
#   tests/guest/run -- tests/cli/watch_test.sh path/to/wgnet
source "$(dirname "$0")/command_words.sh"

# Starts `wgnet WORDS...`, and leaves what it prints in `told`.
start_watch() {
  ran="wgnet $*"
  "$wgnet" "$@" >told 2>err &
  watcher=$!
}

# Ends it by a signal, and leaves its exit status.
end_watch() {
  kill -s "$1" $watcher
  wait $watcher
  status=$?
  cat told err >>transcript
}

tells() { check "it tells $1" within 60 grep -q -- "$1" told; }

has_peer() { wg show wg5 allowed-ips | grep -q 10.6.0.0/16; }

write_node() {
  cat >node.json <<X
{"schema": "wgnet/1",
 "interfaces": [{"name": "wg5", "private_key": "$near_key", "listen_port": 51825,
                 "addresses": ["10.5.0.1/24"],
                 "peers": [{"public_key": "$(public_of "$far_key")",
                            "allowed_ips": ["10.6.0.0/16"]}]}]}
X
}

test_tells() {
  write_node
  run apply node.json
  exits 0
  ip link set wg5 mtu 1300
  start_watch watch --poll 1
  tells "mtu is 1300, not 1420"
  ip route del 10.6.0.0/16
  tells "^missing: ip route add .*10.6.0.0/16 dev wg5"
  ip route add 10.6.0.0/16 dev wg5 proto 87 scope link
  tells "^back: ip route add .*10.6.0.0/16 dev wg5"
  wg set wg5 listen-port 51826
  tells "listen_port is 51826, not 51825"
  end_watch TERM
  exits 0
  err_is ""
  check "nothing is repaired" [ "$(wg show wg5 listen-port)" = 51826 ]
}

test_repairs() {
  start_watch --json watch --poll 1 --repair node.json
  tells '"kind":"repaired"'
  check "the port" [ "$(wg show wg5 listen-port)" = 51825 ]
  check "the MTU" grep -q "mtu 1420" <(ip link show wg5)
  wg set wg5 peer "$(public_of "$far_key")" remove
  tells '"object":"peer"'
  check "the peer is back" within 60 has_peer
  end_watch INT
  exits 0
  err_is ""
  cp told out
  out_json '.schema == "wgnet/1" and .event.kind'
  check "one document on a line" [ "$(wc -l <told)" -eq "$(command jq -c . told | wc -l)" ]
}

test_errors() {
  run watch --repair missing.json
  exits 1
  err_has "cannot be read"
  run watch --peer-timeout 0
  exits 1
  err_has "WatchOptions.peer_timeout"
  echo '{"schema": "wgnet/1", "interfaces": [{"name": "wg5", "colour": 1}]}' >bad.json
  run --json watch --repair bad.json
  exits 1
  err_json '.error.code == "parse"'
  run delete default
  exits 0
}

run_tests test_tells test_repairs test_errors test_secrets
