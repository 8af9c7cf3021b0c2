# SPDX-License-Identifier: MIT OR Apache-2.0
# What the tests of the command share: namespaces and a folder of their own, and their words. To be
# sourced first; the test's argument is the path of wgnet. A test that sets may_use_userspace=yes
# before runs over wireguard-go where the kernel has no WireGuard, and is told by `userspace`.
set -u

here=$(dirname "$(realpath "$0")")
wgnet=$(realpath -- "${1:-$here/../../build/release/examples/wgnet}") || exit 2
[[ -x $wgnet ]] || { echo "usage: $0 path/to/wgnet" >&2; exit 2; }
if [[ -z ${COMMAND_TEST_INSIDE-} ]]; then
  # The last four: programs that serve interfaces end with the test.
  COMMAND_TEST_INSIDE=1 exec unshare --net --mount --propagation private \
    ${may_use_userspace:+--pid --fork --kill-child --mount-proc} -- "$0" "$wgnet"
fi

umask 077
unset WG_COLOR_MODE WG_HIDE_KEYS
tmp=$(mktemp -d)
checks=0
failures=0
finished=no
status=
stdin=/dev/null

leave() {
  rm -rf "$tmp"
  [[ $finished == yes ]] || echo "FAIL the test did not run to its end"
  echo "$checks checks, $failures failed"
  [[ $finished == yes && $checks -gt 0 && $failures -eq 0 ]] || exit 1
}
trap leave EXIT
trap 'exit 1' INT TERM

mount -t tmpfs tmpfs /run && mount -t tmpfs tmpfs /etc/wireguard && ip link set lo up || exit 1
cd "$tmp" || exit 1

userspace=no
if ip link add probe type wireguard 2>no_wireguard; then
  ip link del probe
elif [[ ${may_use_userspace-} == yes ]] && type wireguard-go >/dev/null; then
  userspace=yes
else
  cat no_wireguard
  echo "FAIL this kernel has no WireGuard"
  exit 1
fi
touch out err transcript secrets
ran="nothing yet"

# ---- words of the tests ----

# Runs the command; leaves `status`, and the files `out` and `err`.
run() {
  "$wgnet" "$@" <"$stdin" >out 2>err
  status=$?
  ran="wgnet $*"
  cat out err >>transcript
}

run_with_stdin() {
  stdin=$1
  run "${@:2}"
  stdin=/dev/null
}

check() {
  local what=$1
  shift
  checks=$((checks + 1))
  "$@" && return
  failures=$((failures + 1))
  echo "FAIL $what: $*"
  echo "  after: $ran; exit status $status"
  sed 's/^/  out: /' out
  sed 's/^/  err: /' err
}

# Whether the command succeeds within so many seconds.
within() {
  local end=$((SECONDS + $1))
  until "${@:2}"; do
    ((SECONDS < end)) || return
    sleep 0.05
  done
}

exits() { check "exit status" [ "$status" -eq "$1" ]; }
out_is() { check "output" [ "$(cat out)" = "$1" ]; }
out_has() { check "output" grep -qF -- "$1" out; }
err_is() { check "standard error" [ "$(cat err)" = "$1" ]; }
err_has() { check "standard error" grep -qF -- "$1" err; }
err_lacks() { check "standard error" not grep -qF -- "$1" err; }
out_json() { check "document" jq -e "$1" out; }
err_json() { check "error document" jq -e "$1" err; }
jq() { command jq "$@" >/dev/null; }
not() { ! "$@"; }
exists() { ip link show "$1" >/dev/null 2>&1; }

# A private key; the transcript must never show it.
new_key() { wg genkey | tee -a secrets; }
public_of() { wg pubkey <<<"$1"; }

# All that `down` must leave as it was. Tables stand in the order of their families, for no other
# order of them means anything.
state() {
  local family device
  ip -d -o -b - <<<$'link show\naddress show'
  for family in -4 -6; do ip -d $family -b - <<<$'rule show\nroute show table all'; done
  nft "list ruleset ip; list ruleset ip6; list ruleset inet; list ruleset arp;
    list ruleset bridge; list ruleset netdev"
  for device in $(wg show interfaces); do echo "[$device]"; wg showconf "$device"; done
  (cd /proc/sys/net && grep . ipv4/ip_forward \
    ipv4/conf/*/{forwarding,rp_filter,src_valid_mark,accept_redirects,send_redirects} \
    ipv6/conf/*/{forwarding,accept_ra,accept_redirects})
}

# Runs the tests that are named, and says how long each took.
run_tests() {
  local each started
  for each in "$@"; do
    started=$SECONDS
    $each
    echo "$each: $((SECONDS - started)) s"
  done
  finished=yes
}

test_secrets() {
  check "something was printed" [ "$(wc -l <transcript)" -gt 10 ]
  check "no key was printed" not grep -qFf secrets transcript
}

# ---- a tunnel ----

far_key=$(new_key)
near_key=$(new_key)
psk=$(new_key)

write_conf() {
  cat >wg0.conf <<X
[Interface]
PrivateKey = $near_key
Address = 10.9.0.1/24, fd09::1/64
ListenPort = 51820

[Peer]
PublicKey = $(public_of "$far_key")
PresharedKey = $psk
Endpoint = 192.0.2.2:51821
AllowedIPs = 10.9.0.2/32, fd09::2/128
$*
X
}
