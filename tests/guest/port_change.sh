# SPDX-License-Identifier: MIT OR Apache-2.0
# A change that may wait to be confirmed: of wg0's port, from 51820 in old.json to 51821 in new.json,
# in the test's own network namespace. To be sourced after node_words.sh.

# write_node FILE PORT
write_node() {
  cat >"$1" <<X
{"schema": "wgnet/1",
 "interfaces": [{"name": "wg0", "private_key": "$client_key", "listen_port": $2,
   "addresses": ["10.13.13.2/24"],
   "peers": [{"public_key": "$server_public", "preshared_key": "$tunnel_psk",
     "allowed_ips": ["10.13.13.1/32"]}]}]}
X
}
write_node old.json 51820
write_node new.json 51821

port_is() { [[ $(wg show wg0 listen-port 2>&1) == "$1" ]]; }
guardian_runs() { pgrep -f -- "guard --background" >/dev/null; }
token() { sed -n 's/.*wgnet confirm //p' out; }
left() { command jq .pending.left_ms out; }  # of `wgnet --json status`

# Since the boot, asleep or not.
milliseconds() { awk '{ printf "%d", 1000 * $1 }' /proc/uptime; }

# Leaves the state in a file.
save() {
  state >"$1" 2>&1
  check "the state" grep -q '^ipv6/conf/lo/accept_redirects' "$1"
}
