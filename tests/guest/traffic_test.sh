#!/bin/bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# A client and a server by the wgnet command: what the client sends to a host behind the server
# arrives there, whole, from the server's address. Needs root, and changes nothing outside
# namespaces of its own:
#   tests/guest/suite --timeout 300 tests/guest/traffic_test.sh
source "$(dirname "$(realpath "$0")")/node_words.sh"
# shellcheck source=three_hosts.sh
source "$here/three_hosts.sh"

readonly port=7777 bytes=10485760

test_up() {
  make_hosts
  save_both before
  server_comes_up
  client_comes_up
}

test_ping() {
  on client ping -q -c 20 -i 0.05 -w 30 $far_address >out 2>err
  status=$?
  ran="ping from the client to the far host"
  exits 0
  out_has " 0% packet loss"
}

test_handshake() {
  local machine
  for machine in server client; do
    run --netns $machine show all latest-handshakes
    check "a handshake on the $machine" grep -qE '\s[1-9][0-9]{9}$' out
    run --netns $machine show
    out_has "latest handshake: "
    out_has "transfer: "
  done
}

# Leaves the checksum of what came, and who sent it.
receive() {
  on far /usr/bin/python3 -B -c '
import hashlib, socket, sys
with socket.create_server(("", int(sys.argv[1]))) as server:
    print("ready", flush=True)
    sender, address = server.accept()
digest, count = hashlib.sha256(), 0
while data := sender.recv(1 << 16):
    digest.update(data)
    count += len(data)
sender.sendall(digest.hexdigest().encode())
print(address[0], count, digest.hexdigest(), flush=True)' $port >received
}

send() {
  on client /usr/bin/python3 -B -c '
import socket, sys
data = open("data", "rb").read()
with socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=60) as far:
    far.sendall(data)
    far.shutdown(socket.SHUT_WR)
    print(far.recv(64, socket.MSG_WAITALL).decode())' $far_address $port >out 2>err
  status=$?
  ran="sending $bytes bytes"
}

test_tcp() {
  local wanted
  head -c $bytes /dev/urandom >data
  wanted=$(sha256sum <data)
  wanted=${wanted%% *}
  receive &
  check "the receiver is ready" within 30 grep -q ready received
  send
  exits 0
  out_is "$wanted"
  wait $!
  check "what came, and from whom" grep -qx "$server_outside $bytes $wanted" received
  run --netns server show wg0 transfer
  check "all went through the tunnel" [ "$(cut -f 2 out)" -gt $bytes ]
  echo "$bytes bytes from $server_outside, sha256 $wanted"
}

test_again() {
  server_apply
  exits 0
  out_is "nothing to do"
  client_up
  exits 0
  err_is ""
}

test_down() {
  both_go_down
  both_are_as_before
}

run_tests test_up test_ping test_handshake test_tcp test_again test_down test_secrets
