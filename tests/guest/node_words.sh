# SPDX-License-Identifier: MIT OR Apache-2.0
# What the tests of whole nodes share, besides the words of the command's tests: machines, each a
# network namespace, their state, and the two ends of a tunnel. To be sourced first.
# shellcheck source=../cli/command_words.sh
source "$(dirname "$(realpath "${BASH_SOURCE[0]}")")/../cli/command_words.sh"

# ---- machines ----

# Runs a command on a machine.
on() { ip netns exec "$@"; }

# A machine whose links get no addresses but those that are given to them.
add_machine() {
  ip netns add "$1"
  on "$1" sysctl -q net.ipv6.conf.default.addr_gen_mode=1 net.ipv6.conf.default.accept_dad=0
  ip -n "$1" link set lo up
}

has_uplink() { [[ $(ip -n "$1" -o link show eth0) == *" state UP "* ]]; }

state_of() { on "$1" bash -c "$(declare -f state); state"; }

# Leaves the machine's state in a file, and sees that there is one.
save_state() {
  state_of "$1" >"$2" 2>&1
  check "the state of $1" grep -q '^ipv6/conf/lo/accept_redirects' "$2"
}

# Whether two files are the same.
same() {
  checks=$((checks + 1))
  diff -U 0 "$2" "$3" >difference && return
  failures=$((failures + 1))
  echo "FAIL $1: $2 and $3 differ"
  sed 's/^/  /' difference
}

# Which of the sendmsg calls in `trace`, which strace(1) has written, is the first with such a
# message.
send_of() { grep ^sendmsg trace | grep -n -m 1 "$1" | cut -d : -f 1; }

# ---- both ends of a tunnel ----

readonly server_key=kGZzt/CU2MVgq19ffXB2YMDSr6WIhlkdlL1MOeGH700=
readonly server_public=t95vF4b11RLCId3ArVVIJoC5Ih9CNbI0VTNuDuEzZyw=
readonly client_key=+GLDb5QQOHQ2QKWvuFS/4FiWpnivaxzwlm0QmFJIHV8=
readonly client_public=HR8Kp3xWIt2rNdS3aaCk+Ss7yQqC9cn6h3WS6UK3WE0=
readonly tunnel_psk=7mCNCZdMKeRz1Zrpl9bFS08jJAdv6/USazRVq7tjznY=
printf '%s\n' "$server_key" "$client_key" "$tunnel_psk" >>secrets

# The client's file; further lines of its [Interface] may be given.
write_client() {
  cat >peer1.conf <<X
[Interface]
Address = 10.13.13.2
PrivateKey = $client_key
ListenPort = 51820
$(printf '%s\n' "$@")
[Peer]
PublicKey = $server_public
PresharedKey = $tunnel_psk
Endpoint = 192.168.5.198:51820
AllowedIPs = 0.0.0.0/0
X
}
