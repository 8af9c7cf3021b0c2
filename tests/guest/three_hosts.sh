# SPDX-License-Identifier: MIT OR Apache-2.0
# A client and a neighbour in a LAN, a server in it too, and behind the server a host that knows no
# way back but to the server's own address. To be sourced after node_words.sh.

readonly far_address=203.0.113.2 server_outside=203.0.113.1
readonly client_address=192.168.5.10 server_address=192.168.5.198 neighbour_address=192.168.5.20

# join MACHINE ADDRESS: puts the machine's eth0 into the LAN.
join() {
  add_machine "$1"
  ip link add eth0 netns "$1" type veth peer name "lan-$1"
  ip link set "lan-$1" master lan up
  ip -n "$1" link set eth0 up
  ip -n "$1" address add "$2/24" dev eth0
}

# The neighbour has also the address of the LAN's router, so that nothing waits for one.
make_hosts() {
  ip link add lan up type bridge mcast_snooping 0
  join client $client_address
  join server $server_address
  join neighbour $neighbour_address
  ip -n neighbour address add 192.168.5.1/24 dev eth0
  ip -n client route add default via 192.168.5.1
  add_machine far
  ip link add eth1 netns server type veth peer name eth0 netns far
  ip -n server link set eth1 up
  ip -n server address add $server_outside/24 dev eth1
  ip -n far link set eth0 up
  ip -n far address add $far_address/24 dev eth0
  check "the LAN" reaches client $server_address
  check "what is outside" reaches server $far_address
}

reaches() { on "$1" ping -q -c 1 -w 20 "$2" >/dev/null; }

# The server's document; further members of its interface, and of its peer, may be given.
write_server() {
  cat >server.json <<X
{"schema": "wgnet/1",
 "interfaces": [{"name": "wg0", "private_key": "$server_key", "listen_port": 51820,
   "addresses": ["10.13.13.1"], ${1-}
   "peers": [{"public_key": "$client_public", "preshared_key": "$tunnel_psk", ${2-}
     "allowed_ips": ["10.13.13.2/32"]}]}],
 "nat_rules": [{"source": ["10.13.13.0/24"], "out_interface": "eth*"}],
 "forward_rules": [{"one": "wg0", "other": "eth*"}]}
X
}

server_apply() { run --netns server apply server.json --owner gateway; }
server_delete() { run --netns server delete gateway; }
client_up() { run --netns client up ./peer1.conf; }
client_down() { run --netns client down ./peer1.conf; }

server_comes_up() {
  write_server
  server_apply
  exits 0
}

client_comes_up() {
  write_client
  client_up
  exits 0
}

both_go_down() {
  client_down
  exits 0
  server_delete
  exits 0
}

# save_both WHEN: the states of both are in MACHINE.WHEN.
save_both() {
  save_state server "server.$1"
  save_state client "client.$1"
}

both_are_as_before() {
  save_both after
  same "the server" server.before server.after
  same "the client" client.before client.after
}
