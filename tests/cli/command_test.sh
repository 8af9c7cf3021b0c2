#!/bin/bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# The wgnet command on a kernel with WireGuard: every subcommand and every exit status. Needs root,
# and changes nothing outside namespaces of its own:
#   tests/guest/run -- tests/cli/command_test.sh path/to/wgnet
source "$(dirname "$0")/command_words.sh"

# ---- files ----

write_document() {
  cat >node.json <<X
{"schema": "wgnet/1",
 "interfaces": [{"name": "wg5", "private_key": "$near_key", "addresses": ["10.5.0.1/24"]}]}
X
}

# Line numbers matter.
write_conf_with_hooks() {
  cat >hooks.conf <<X
[Interface]
PrivateKey = $near_key
address = 10.8.0.1/24
dns = 192.0.2.53
DNS = example.org
PreUp = touch $tmp/hook-ran
PostUp = touch $tmp/hook-ran # %i
PreDown = touch $tmp/hook-ran
PostDown = touch $tmp/hook-ran
SaveConfig = true
X
}

# ---- the command line ----

test_usage() {
  local words
  for words in "" "bogus" "plan" "up a@b" "down" "delete" "show wg0 bogus" "show wg0 dump more" \
    "show interfaces dump" "--json show wg0 dump" "up wg0 --skip x" "genkey more" "--bogus show"; do
    # shellcheck disable=SC2086
    run $words
    exits 2
  done
  run plan --json
  exits 2
  err_json '.schema == "wgnet/1" and .error.code == "invalid-argument"'
  run --version
  exits 0
  out_has "wgnet "
  run --help
  exits 0
  for words in plan apply confirm rollback extend guard gc recover delete up down resolve watch save strip status show showconf set setconf addconf \
    syncconf genkey genpsk pubkey; do
    out_has "$words"
  done
}

# ---- keys ----

test_keys() {
  local word
  for word in genkey genpsk; do
    run $word
    exits 0
    err_is ""
    check "a key" [ "$(base64 -d <out | wc -c)" -eq 32 ]
  done
  run genkey
  wg pubkey <out >wanted
  cp out key
  run_with_stdin key pubkey
  exits 0
  check "as wg pubkey" cmp out wanted
  printf '%s \n\t\0' "$(cat key)" >padded
  run_with_stdin padded pubkey
  check "as wg pubkey" cmp out wanted
  run_with_stdin key pubkey --json
  out_json ".public_key == \"$(cat wanted)\""
  run --json genpsk
  out_json '.preshared_key | length == 44'
}

test_bad_keys() {
  printf '%s x\n' "$(cat key)" >trailing
  run_with_stdin trailing pubkey
  exits 1
  err_is "wgnet: Trailing characters found after key"
  head -c 43 key >short
  tr '=' 'A' <key >no_base64
  local bad
  for bad in short no_base64 /dev/null; do
    run_with_stdin "$bad" pubkey
    exits 1
    err_is "wgnet: Key is not the correct length or format"
    out_is ""
  done
  check "a full disk" not "$wgnet" genkey >/dev/full 2>/dev/null
  (umask 022 && "$wgnet" genkey >open_file 2>err)
  err_has "wgnet: warning: writing to a world accessible file"
}

# What others may not trace belongs to root in /proc.
is_undumpable_wgnet() {
  [[ $(stat -c %u "/proc/$1/status") == 0 && $(readlink "/proc/$1/exe") == "$wgnet" ]]
}

test_undumpable() {
  mkfifo -m 666 pipe
  chmod 711 .
  exec 8<>pipe
  setpriv --reuid=65534 --clear-groups "$wgnet" pubkey <&8 >/dev/null 2>&1 8>&- &
  local process=$!
  check "undumpable" within 10 is_undumpable_wgnet "$process"
  kill "$process"
  wait "$process" 2>/dev/null
  exec 8>&-
}

# ---- plan, up, down ----

test_plan() {
  write_conf
  run plan ./wg0.conf
  exits 0
  err_is ""
  out_has "type wireguard"
  cp out planned
  check "a plan changes nothing" not exists wg0
  run plan ./wg0.conf --exit-code
  exits 4
  run --json plan --exit-code ./wg0.conf
  exits 4
  out_json '.schema == "wgnet/1" and .owner == "wg-quick:wg0" and (.ops | length > 5)'
  run plan ./wg0.conf --script script
  exits 0
  check "the script" [ -x script/apply.sh ]
  check "the key's file" [ "$(stat -c %a script/wg0.key)" = 600 ]
  check "the key" [ "$(cat script/wg0.key)" = "$near_key" ]
}

test_up() {
  state >before
  run up ./wg0.conf
  exits 0
  out_is ""
  sed 's/^/[#] /' planned >wanted
  check "each step" cmp err wanted
  check "the port" [ "$(wg show wg0 listen-port)" = 51820 ]
  run plan ./wg0.conf --exit-code
  exits 0
  out_is "# nothing to do"
}

test_up_again() {
  state >up
  run up ./wg0.conf
  exits 0
  err_is ""
  write_conf "PersistentKeepalive = 25"
  run up ./wg0.conf
  exits 0
  check "one step" [ "$(wc -l <err)" -eq 1 ]
  err_has "persistent-keepalive 25"
  write_conf
  run --json up ./wg0.conf
  exits 0
  err_is ""
  out_json '.ops | length == 1'
  state >up_again
  check "as at first" cmp up up_again
}

test_status() {
  run status
  exits 0
  out_has "wg-quick:wg0: wg0, "
  run status --json
  out_json '.owners == [.owners[] | select(.owner == "wg-quick:wg0" and .interfaces == ["wg0"]
    and .missing == 0)] and .devices == []'
  ip address del 10.9.0.1/24 dev wg0
  run status
  out_has ", 1 missing"
  run up ./wg0.conf
  exits 0
}

test_down() {
  run down ./wg0.conf
  exits 0
  out_is ""
  err_has "[#] ip link del dev wg0"
  state >after
  check "all is as before" cmp before after
  run down wg0
  exits 1
  err_has "wgnet: wg0 is not up"
  run --json down ./wg0.conf
  exits 1
  err_json '.error.code == "not-found"'
  run status
  exits 0
  out_is ""
}

# By name, and with an owner and a state directory of one's own.
test_names() {
  cp wg0.conf /etc/wireguard/wg7.conf
  run up wg7 --owner mine --state-dir /run/state
  exits 0
  check "the interface" exists wg7
  run down wg7 --state-dir /run/state
  exits 1
  run status
  out_is ""
  run --state-dir /run/state status
  out_has "mine: wg7, "
  run delete mine --state-dir /run/state
  exits 0
  check "the interface" not exists wg7
}

# ---- apply, delete ----

test_document() {
  write_document
  run plan node.json --exit-code
  exits 4
  run apply ./node.json --owner gateway
  exits 0
  check "a summary" grep -qx '[0-9]* steps done' out
  check "the interface" exists wg5
  run apply node.json --owner gateway
  exits 0
  out_is "nothing to do"
  run --json apply node.json --owner gateway
  exits 0
  out_json '.owner == "gateway" and .ops == []'
  run apply node.json
  exits 1
  err_has "wg5"
  run delete gateway
  exits 0
  check "a summary" grep -qx '[0-9]* steps done' out
  check "the interface" not exists wg5
  run delete gateway
  exits 1
  err_has "gateway has nothing here"
  run apply node.json --interface wg6
  exits 1
}

test_stdin() {
  run_with_stdin node.json apply -
  exits 0
  run status
  out_has "default: wg5, "
  run delete default
  exits 0
  run_with_stdin wg0.conf up -
  exits 1
  err_has "give --interface NAME"
  run_with_stdin wg0.conf up - --interface wg8
  exits 0
  check "the interface" exists wg8
  cp wg0.conf long-name-of-a-tunnel.conf
  run plan ./long-name-of-a-tunnel.conf --interface wg8 --exit-code
  exits 0
  run down wg8
  exits 0
}

# ---- what a plan cannot hold ----

test_left_out() {
  write_conf_with_hooks
  run plan ./hooks.conf
  exits 1
  err_has "./hooks.conf: these lines are carried out by up and down only: 6 (PreUp), 7 (PostUp), 8 (PreDown), 9 (PostDown), 10 (SaveConfig)"
  err_has "--skip hooks"
  run plan ./hooks.conf --skip dns --json
  exits 1
  err_json '.error.code == "not-supported"'
  cp hooks.conf copy
  run up ./hooks.conf --skip dns,hooks
  exits 0
  local line
  for line in "4: DNS" "5: DNS" "6: PreUp" "7: PostUp" "8: PreDown" "9: PostDown" "10: SaveConfig"; do
    err_has "wgnet: warning: ./hooks.conf:$line is skipped"
  done
  check "warnings" [ "$(grep -c '^wgnet: warning: ' err)" -eq 7 ]
  run down ./hooks.conf --skip hooks
  exits 0
  check "no hook ran" [ ! -e hook-ran ]
  check "the file is as it was" cmp hooks.conf copy
}

# ---- errors ----

test_input_errors() {
  run up ./missing.conf
  exits 1
  err_has "./missing.conf: cannot be read: No such file or directory"
  run plan missing.json
  exits 1
  run plan ./
  exits 1
  err_has "Is a directory"
  printf '[Interface]\nListenPort = many\n' >bad.conf
  run up ./bad.conf
  exits 1
  err_has "wgnet: ./bad.conf:2:14: ListenPort: "
  err_has "hint: "
  run --json plan ./bad.conf
  err_json '.error.code == "parse" and .error.where == "./bad.conf:2:14"'
  echo '{"schema": "wgnet/1", "interfaces": [{"name": "wg5", "colour": 1}]}' >bad.json
  run apply bad.json
  exits 1
  err_has "bad.json: interfaces[0].colour: "
  chmod 644 wg0.conf && chmod 755 .
  run plan ./wg0.conf
  exits 0
  err_has "wgnet: warning: ./wg0.conf: "
  chmod 600 wg0.conf
}

test_kernel_errors() {
  ip link add wg0 type dummy
  run up ./wg0.conf
  exits 1
  run --json up ./wg0.conf
  exits 1
  err_json '.error.code == "name-taken"'
  ip link del wg0
  run --netns nowhere show
  exits 1
  err_has "nowhere"
  mkdir -m 777 open_dir && chmod 777 open_dir
  run --state-dir open_dir status
  exits 1
  err_has "is not safe"
  run show wg0
  exits 1
  err_has "there is no WireGuard interface wg0"
  run apply ./wg0.conf --owner 'a b'
  exits 1
}

test_rolled_back() {
  ip link add other type wireguard
  wg set other listen-port 51820
  ip link set other up
  state >before
  run up ./wg0.conf
  exits 1
  err_has "rolled back, nothing left"
  run --json up ./wg0.conf
  exits 1
  err_json '.error.code == "port-in-use" and .error.rollback.complete'
  state >after
  check "all is as before" cmp before after
  ip link del other
}

# From some message on, nothing goes through any more: neither the plan nor its rollback.
test_rollback_incomplete() {
  ip netns add broken
  local last
  for last in {1..60}; do
    strace -f -o trace -e trace=sendmsg -e inject=sendmsg:error=EIO:when="$last"+ \
      "$wgnet" --netns broken --json up ./wg0.conf >out 2>err
    status=$?
    ran="wgnet up, with no message sent after $last"
    [[ $status -eq 1 ]] || break
  done
  exits 3
  cat err >>transcript
  err_json '.error.code == "rollback-incomplete" and (.error.rollback.leftovers | length > 0)'
  ip netns del broken
}

run_tests test_usage test_keys test_bad_keys test_undumpable test_plan test_up test_up_again \
  test_status test_down test_names test_document test_stdin test_left_out test_input_errors \
  test_kernel_errors test_rolled_back test_rollback_incomplete test_secrets
