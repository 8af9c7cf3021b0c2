#!/bin/bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# wgnet under the name wg beside the real wg(8): the same words to both, to the real one for the
# device w, to ours for v; then exit status and devices are compared. Needs root, and changes nothing
# outside namespaces of its own:
#   tests/guest/run -- tests/cli/wg_as_wg_test.sh path/to/wgnet
source "$(dirname "$0")/command_words.sh"

real=${WG:-wg}
ours=$tmp/bin/wg
mkdir bin && ln -s "$wgnet" "$ours"
# wg(8) asks again for a name that nobody has.
export WG_ENDPOINT_RESOLUTION_RETRIES=0

a=HR8Kp3xWIt2rNdS3aaCk+Ss7yQqC9cn6h3WS6UK3WE0=
b=jNXHKyVHtHWO3Im0KUjHF4VyBYBLNEnmMNrV0xqDKQc=
zeros=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=
own=$(public_of "$near_key")
compared=0

make_files() {
  echo "$near_key" >key
  printf '%s  \n\t\n' "$near_key" >padded
  printf '%s\ny\n' "$near_key" >trailing
  head -c 43 key >short
  echo x >junk
  : >empty
  echo "$psk" >psk
}

make_devices() {
  ip link add w type wireguard
  ip link add v type wireguard
}

# ---- words of this test; a process is dear in a guest, so they start few ----

run_ours() {
  "$ours" "$@" >out 2>err
  status=$?
  ran="wg $*"
  printf '%s\n' "$(<out)" "$(<err)" >>transcript
}

# Sorts its arguments into `sorted`.
sort_words() {
  local i word
  sorted=()
  for word in "$@"; do
    for ((i = ${#sorted[@]}; i > 0; --i)); do
      [[ ${sorted[i - 1]} > $word ]] || break
      sorted[i]=${sorted[i - 1]}
    done
    sorted[i]=$word
  done
}

# Reads all devices; leaves each one's text in `devices`, sorted where order has no meaning.
declare -A devices
read_devices() {
  local name rest fields sorted
  local -A lines=()
  "$real" show all dump >dump
  while IFS=$'\t' read -r name rest; do
    IFS=$'\t' read -ra fields <<<"$rest"
    if ((${#fields[@]} == 8)); then
      # shellcheck disable=SC2086
      sort_words ${fields[3]//,/ }
      fields[3]="${sorted[*]}"
      fields=("${fields[*]}")
    fi
    lines[$name]+="${fields[*]}"$'\n'
  done <dump
  devices=()
  for name in "${!lines[@]}"; do
    IFS=$'\n' read -r -d '' -a fields <<<"${lines[$name]}"
    sort_words "${fields[@]}"
    devices[$name]=$(printf '%s\n' "${sorted[@]}")
  done
}

equal() { [[ $1 == "$2" ]] || { echo "wg: $1"; echo "ours: $2"; false; }; }

# The same words to both, with `@` for the device. What is refused changes nothing, which the next
# comparison shows.
same() {
  local wanted
  "$real" "${@/#%@/w}" >wg.out 2>wg.err
  wanted=$?
  run_ours "${@/#%@/v}"
  check "status of wg(8): $(<wg.err)" [ "$status" -eq "$wanted" ]
  compared=$((compared + 1))
  ((wanted)) || same_device
}

same_device() {
  read_devices
  check "device of wg(8)" equal "${devices[w]}" "${devices[v]}"
}

# The same file to both.
same_file() {
  printf '%b' "$2" >file
  same "$1" @ file
}

set_both() { same set @ "$@"; }

test_words() {
  local words
  for words in "set" "set @" "set --help" "setconf @" "setconf @ key x" "addconf -h" \
    "showconf @ x" "showconf nodev" "showconf --help" "show nodev" "show @ bogus" "show @ dump x" \
    "show interfaces dump" "show all all" "show --help" "show help" "bogus" "help x" "--version x" \
    "help" "--help" "-h" "--version" "-v" "version" "genkey x" "pubkey x" \
    "set nodev listen-port 5" "set lo listen-port 5"; do
    # shellcheck disable=SC2086
    same $words
  done
  run_ours bogus
  err_has "Usage: "
  check "no output" [ ! -s out ]
  run_ours --help
  out_has "syncconf"
  run_ours --version
  out_has "wgnet "
}

test_device() {
  local value
  for value in 1234 domain 65535 -1 "" 0x10 010 0; do set_both listen-port "$value"; done
  set_both listen-port
  set_both LISTEN-PORT 5
  set_both listen-port 5 listen-port 6
  for value in 0x10 0X10 OFF 010 0xffffffff 4294967296 "" 0x off 0xABCD; do
    set_both fwmark "$value"
  done
  for value in key short junk trailing padded nofile empty key /dev/null; do
    set_both private-key "$value"
  done
  set_both private-key
  set_both private-key empty private-key key
  set_both private-key empty listen-port 9 fwmark 1
  set_both private-key key
}

test_peers() {
  local value
  set_both peer
  set_both peer x
  set_both peer "x$a"
  set_both peer $a
  set_both peer $a remove
  set_both peer $a remove x
  set_both peer $a peer $b
  set_both peer $a remove peer $b remove
  set_both remove
  set_both endpoint 192.0.2.1:5
  for value in 192.0.2.1:1 192.0.2.1 :1 '[fd00::1]:5' fd00::1:5 1:2 192.0.2.1:domain \
    '[fe80::1%lo]:5' '[fe80::1%nolink]:5' '[fe80::1%1]:5' "" localhost:7 192.0.2.1:0 0.0.0.0:1 \
    ' 192.0.2.1:1' '192.0.2.1 :1' nosuch.invalid:5 '[fd00::1]5'; do
    set_both peer $a endpoint "$value"
  done
  for value in 25 off Off 65535 65536 0 -1 0x10 025 ""; do
    set_both peer $a persistent-keepalive "$value"
  done
  for value in psk empty psk /dev/null short nofile "$psk"; do
    set_both peer $a preshared-key "$value"
  done
  for value in endpoint persistent-keepalive preshared-key allowed-ips listen-port; do
    set_both peer $a $value
  done
  set_both peer $a listen-port 7
  set_both peer $a private-key key
  set_both peer $a fwmark 1
  set_both peer $a endpoint 192.0.2.1:5 preshared-key psk allowed-ips 10.1.1.1 remove
  set_both peer $a endpoint 192.0.2.1:5 persistent-keepalive 5 allowed-ips 10.1.1.1
  set_both peer $a remove endpoint 192.0.2.1:5
  set_both peer $a endpoint 192.0.2.1:5 persistent-keepalive 5
  set_both peer $a remove peer $a
  set_both peer $zeros allowed-ips 10.77.0.0/16
  set_both peer $zeros remove
  set_both peer "$own" allowed-ips 10.78.0.0/16
  set_both private-key empty peer "$own"
  set_both private-key key
}

test_allowed_ips() {
  local list
  for list in 10.0.0.0/8 10.0.0.0/8,fd00::/8 "" ' ' '10.0.0.0/8, 10.1.0.0/16' 10.0.0.1/8 10.0.0.1 \
    10.0.0.0/8, , ,10.0.0.0/8 10.0.0.0/33 10.0.0.0/ x 10.1 10.0.0.0/8,10.0.0.0/8 ::/0,0.0.0.0/0 \
    10.0.0.0/08 10.0.0.0/255.0.0.0 fe80::1%lo ::ffff:1.2.3.4 ::/129; do
    set_both peer $a allowed-ips "$list"
  done
  set_both peer $a allowed-ips 10.0.0.0/8 peer $b allowed-ips 10.0.0.0/8
  set_both peer $a allowed-ips 10.0.0.0/8
  set_both peer $a allowed-ips 10.1.0.0/16 allowed-ips 10.2.0.0/16
  set_both peer $a allowed-ips 10.3.0.0/16 peer $a allowed-ips 10.4.0.0/16
  set_both peer $b remove peer $a allowed-ips 10.4.0.0/16
}

# wg(8) has marks since 1.0.20250521, and an old kernel refuses its `-`.
marked() {
  local expected=$1
  shift
  run_ours "$@"
  check "allowed IPs" equal "$a"$'\t'"$expected" "$("$real" show v allowed-ips)"
}

test_marks() {
  local all="10.4.0.0/16 10.5.0.0/16"
  run_ours set v peer $a allowed-ips 10.4.0.0/16
  marked "$all" set v peer $a allowed-ips +10.5.0.0/16
  exits 0
  local bad
  for bad in ++10.6.0.0/16 + - -; do
    run_ours set v peer $a allowed-ips $bad
    exits 1
  done
  marked "$all 10.6.0.0/16" set v peer $a allowed-ips '10.6.0.0/16, + 10.4.0.0/16'
  marked "$all" set v peer $a allowed-ips -10.6.0.0/16
  exits 0
  marked "$all" set v peer $a allowed-ips -10.6.0.0/16
  marked "10.5.0.0/16 10.7.0.0/16" set v peer $a allowed-ips +10.7.0.0/16,-10.4.0.0/16
  marked "10.8.0.0/16 10.9.0.0/16" set v peer $a allowed-ips +10.8.0.0/16 allowed-ips 10.9.0.0/16
  printf '[Peer]\nPublicKey = %s\nAllowedIPs = +10.9.1.0/24, -10.8.0.0/16\n' $a >file
  marked "10.9.0.0/16 10.9.1.0/24" addconf v file
  printf '[Interface]\nPrivateKey = %s\n[Peer]\nPublicKey = %s\nAllowedIPs = +10.9.2.0/24\n' \
    "$near_key" $a >file
  marked "10.9.0.0/16 10.9.1.0/24 10.9.2.0/24" syncconf v file
  marked "10.9.2.0/24" setconf v file
  "$real" setconf w <(sed "s/= +/= /" file)
  same_device
  if "$real" set w peer $a allowed-ips +10.4.0.0/16 2>/dev/null; then
    run_ours set v peer $a allowed-ips +10.4.0.0/16
    same_device
    set_both peer $a allowed-ips '10.6.0.0/16, + 10.4.0.0/16'
    set_both peer $a allowed-ips +10.8.0.0/16 allowed-ips 10.9.0.0/16
    set_both peer $a allowed-ips "" allowed-ips +10.10.0.0/16
    same_file addconf "[Peer]\nPublicKey=$a\nAllowedIPs=10.5.0.0/16,+10.11.0.0/16\n"
    same_file syncconf "[Peer]\nPublicKey=$a\nAllowedIPs=+10.12.0.0/16\n"
  fi
}

test_files() {
  local interface="[Interface]\nPrivateKey=$near_key\nListenPort=1000\nFwMark=5\n"
  local peer="[Peer]\nPublicKey=$a\n" other="[Peer]\nPublicKey=$b\n" whole
  whole="$interface${peer}AllowedIPs=10.0.0.0/8\nEndpoint=192.0.2.1:5\nPersistentKeepalive=5\n"
  same_file setconf "$whole"
  same_file addconf "$whole"
  same_file syncconf "$whole"
  same_file setconf "$whole"
  same_file addconf "$peer"
  same_file addconf "${peer}AllowedIPs=10.1.0.0/16\n$other"
  same_file addconf "${peer}PresharedKey=$psk\n"
  same_file addconf ""
  same_file addconf "[Interface]\n"
  same_file addconf "[Interface]\nFwMark=7"
  same_file addconf "[Interface]\nListenPort=7777"
  same_file addconf "[interface]\r\nlisten port = 7778 # a comment\r\n"
  same_file addconf "${peer}AllowedIPs=10.0.0.0/8\n${other}AllowedIPs=10.0.0.0/8\n"
  same_file addconf "${peer}AllowedIPs=10.0.0.0/8\n"
  same_file addconf "${peer}AllowedIPs=10.0.0.0/8\n${peer}AllowedIPs=10.1.0.0/16\n"
  same_file addconf "${other}AllowedIPs=10.9.0.0/16\n[Peer]\nPublicKey=$zeros\n"
  same_file addconf "[Peer]\nPublicKey=$own\nAllowedIPs=10.9.0.0/16\n"
  same_file syncconf "$whole"
  same_file syncconf "[Interface]\nPrivateKey=$near_key\nListenPort=1000\n${other}AllowedIPs=::/0"
  same_file syncconf "$interface"
  same_file syncconf ""
  same_file setconf "$whole"
  same_file setconf "${peer}AllowedIPs=10.0.0.0/8\nEndpoint=192.0.2.1:5\n${peer}AllowedIPs=::/0"
  same_file setconf "${peer}AllowedIPs=10.2.0.0/16\n"
  same_file setconf "[Interface]\nPrivateKey=$zeros\n"
  same_file setconf "$whole$other"
  same_file setconf "[Peer]\nAllowedIPs=10.0.0.0/8"
  same_file setconf "[Interface]\nMTU=1300\n"
  same_file setconf "[Interface]\nBogus=1300\n"
  same_file setconf "[Interface]\nListenPort=\n"
  same_file setconf "ListenPort=5\n"
  same_file setconf "x"
  same_file setconf "${peer}AllowedIPs=10.0.0.0/33\n"
  same_file setconf "${peer}Endpoint=192.0.2.1\n"
  same setconf @ nofile
  same setconf @ -
  same syncconf nodev /dev/null
  same setconf @ /dev/null
  same_file setconf "$whole"
  check "enough was compared: $compared" [ $compared -ge 60 ]
}

# A learned endpoint stays, and what wg(8) up to 1.0.20210914 left is cleared.
test_sync() {
  local file="[Interface]\nPrivateKey=$near_key\nListenPort=1000\n[Peer]\nPublicKey=$a\n"
  printf '%b' "${file}AllowedIPs=10.0.0.0/8\nEndpoint=192.0.2.1:5\nPersistentKeepalive=5\n" >file
  printf 'PresharedKey=%s\n[Peer]\nPublicKey=%s\n' "$psk" $b >>file
  run_ours setconf v file
  exits 0
  printf '%b' "${file}AllowedIPs=10.0.0.0/8\n" >file
  run_ours syncconf v file
  exits 0
  check "what stays" equal "$a"$'\t(none)\t192.0.2.1:5\t10.0.0.0/8\t0\t0\t0\toff' \
    "$("$real" show v dump | tail -n +2)"
}

# How many SET_DEVICE messages ours sends: strace knows no attributes of WireGuard, but the first
# byte is the command.
changes() {
  strace -f -s 64 -e trace=sendmsg -o trace "$ours" "$@" >out 2>err || echo failed
  grep -cE 'nlmsg_type=wireguard, [^"]*"\\x01' trace
}

test_equal_file_sends_nothing() {
  ran="an equal file"
  check "a change is seen" [ "$(changes set v fwmark 9)" -gt 0 ]
  "$real" showconf v >file
  local command
  for command in syncconf setconf addconf; do
    check "$command sends nothing" equal 0 "$(changes $command v file)"
  done
}

# Those who know the port of an interface that is up can go on.
test_port() {
  ip link set v up
  printf '[Interface]\nPrivateKey=%s\n' "$near_key" >file
  run_ours set v listen-port 0
  exits 0
  local port
  port=$("$real" show v listen-port)
  check "a port" [ "$port" -gt 0 ]
  run_ours syncconf v file
  exits 0
  check "the port stays" equal "$port" "$("$real" show v listen-port)"
  run_ours setconf v file
  exits 0
  check "a new port" not equal "$port" "$("$real" show v listen-port)" >/dev/null
  ip link add holder type wireguard
  "$real" set holder listen-port 4444
  ip link set holder up
  "$real" showconf v >before
  run_ours set v fwmark 3 peer $b peer $a remove
  exits 0
  run_ours set v fwmark off peer $b remove
  exits 0
  run_ours set v fwmark 3 listen-port 4444 peer $a
  exits 1
  err_has "port"
  check "all is as before" equal "$(<before)" "$("$real" showconf v)"
  ip link del holder
  ip link set v down
}

# Byte for byte: a device with everything, and an empty one.
test_show() {
  ip link del w
  ip link add empty type wireguard
  printf '[Interface]\nPrivateKey=%s\nListenPort=1000\nFwMark=5\n' "$near_key" >file
  printf '[Peer]\nPublicKey=%s\nPresharedKey=%s\nAllowedIPs=10.1.0.0/16,10.0.0.0/8,::/0\n' \
    $a "$psk" >>file
  printf 'Endpoint=[fe80::1%%lo]:5\nPersistentKeepalive=5\n[Peer]\nPublicKey=%s\n' $b >>file
  run_ours setconf v file
  exits 0
  local words
  cp transcript kept
  for words in "" "show all" "show v" "show interfaces" "show all dump" "show v dump" \
    "showconf v" "showconf empty" "show empty" "show v public-key" "show v private-key" \
    "show v listen-port" "show v fwmark" "show v peers" "show v preshared-keys" \
    "show v endpoints" "show v allowed-ips" "show v latest-handshakes" "show v transfer" \
    "show v persistent-keepalive" "show all fwmark" "show all allowed-ips"; do
    # shellcheck disable=SC2086
    "$real" $words >wg.out
    # shellcheck disable=SC2086
    run_ours $words
    exits 0
    check "output of wg(8)" cmp out wg.out
  done
  mv kept transcript
}

# The subcommands of wgnet; words of wg(8) may look like options.
test_subcommands() {
  ip netns add far
  ip link set v netns far
  run --netns far set v peer $a allowed-ips -10.1.0.0/16
  exits 0
  run set --netns far v fwmark 77
  exits 0
  cp transcript kept
  run --netns far showconf v
  exits 0
  out_has "AllowedIPs = 10.0.0.0/8, ::/0"
  out_has "FwMark = 0x4d"
  mv kept transcript
  cp out file
  run --netns far syncconf v file
  exits 0
  run showconf v
  exits 1
  run set v
  exits 1
  err_has "Usage: wgnet set INTERFACE"
}

# Whose an interface is does not matter, and stays; its owner takes the change back.
test_owned() {
  write_conf
  run up ./wg0.conf
  exits 0
  run status
  cp out status-before
  exec 9<"$(echo /run/wgnet/*/lock)"
  flock 9
  run set wg0 peer "$(public_of "$far_key")" allowed-ips +10.99.0.0/16 persistent-keepalive 9
  exits 0
  exec 9<&-
  run status
  check "the record" cmp out status-before
  check "the change" grep -q 10.99.0.0/16 <("$real" show wg0 allowed-ips)
  run up ./wg0.conf
  exits 0
  check "taken back" not grep -q 10.99.0.0/16 <("$real" show wg0 allowed-ips)
  run down wg0
  exits 0
}

run_tests make_files make_devices test_words test_device test_peers test_allowed_ips test_marks \
  test_files test_sync test_equal_file_sends_nothing test_port test_show test_subcommands \
  test_owned test_secrets
