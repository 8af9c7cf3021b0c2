#!/bin/bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Changes of a tunnel that carries traffic, confirmed by a handshake or not at all. Needs root, and
# changes nothing outside namespaces of its own:
#   tests/guest/run -- tests/guest/confirm_test.sh
source "$(dirname "$(realpath "$0")")/node_words.sh"
source "$here/three_hosts.sh"

# write_node FILE ENDPOINT: the client's document.
write_node() {
  cat >"$1" <<X
{"schema": "wgnet/1",
 "interfaces": [{"name": "wg0", "private_key": "$client_key", "listen_port": 51820,
   "addresses": ["10.13.13.2/24"],
   "peers": [{"public_key": "$server_public", "preshared_key": "$tunnel_psk",
     "endpoint": "$2:51820", "persistent_keepalive": 1, "allowed_ips": ["10.13.13.1/32"]}]}]}
X
}

apply() { run --netns client apply --owner me "$@"; }
token() { sed -n 's/.*wgnet confirm //p' out; }
is_guarded() { pgrep -f -- "guard --background" >/dev/null; }

test_handshake_confirms() {
  make_hosts
  server_comes_up
  write_node good.json $server_address
  apply --confirm 60 --confirm-on-handshake good.json
  exits 0
  out_has "confirmed by a handshake"
  check "the tunnel" reaches client 10.13.13.1
  check "nobody guards it any more" within 10 not is_guarded
}

# The peer's session is as it was: it had its endpoint back before it noticed.
test_no_handshake_takes_back() {
  save_state client before
  write_node wrong.json $neighbour_address
  apply --confirm 4 --confirm-on-handshake wrong.json
  exits 1
  err_has "the change does not wait any more: its time is over"
  save_state client after
  same "what is taken back" before after
  check "the tunnel" reaches client 10.13.13.1
  check "nobody guards it any more" within 10 not is_guarded
}

test_removal_waits() {
  local word
  echo '{"schema": "wgnet/1"}' >empty.json
  save_state client before
  apply --confirm 60 empty.json
  exits 0
  word=$(token)
  check "the peer is there" grep -q "$server_public" <(on client wg show wg0)
  run --netns client rollback "$word"
  exits 0
  save_state client after
  same "what is taken back" before after
  check "the tunnel" reaches client 10.13.13.1
  apply --confirm 60 empty.json
  run --netns client confirm "$(token)"
  exits 0
  check "the interface is gone" not ip -n client link show wg0
}

# Only the timer's command is left.
test_guardian_killed() {
  save_state client before
  apply --confirm 3 good.json
  exits 0
  pkill -KILL -f -- "guard --background"
  check "it is there" ip -n client link show wg0
  sleep 3.1
  run --netns client recover
  out_has "a change of me was not confirmed"
  save_state client after
  same "what is taken back" before after
}

run_tests test_handshake_confirms test_no_handshake_takes_back test_removal_waits \
  test_guardian_killed test_secrets
