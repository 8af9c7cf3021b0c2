#!/bin/bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Hooks, save and strip beside the real wg-quick. In a guest: tests/guest/suite tests/cli/quick_test.sh
. "$(dirname "$(realpath "$0")")/command_words.sh"

# ---- hooks ----

write_hooks() {
  write_conf
  sed -i "/^\[Interface\]/a $*" wg0.conf
}

test_hooks_run_as_by_wg_quick() {
  local hook lines=""
  for hook in PreUp PostUp PreDown PostDown; do
    lines+="$hook = echo \"$hook %i \$(wg show %i listen-port 2>/dev/null)\" >>$tmp/log\\n"
  done
  write_hooks "${lines}PostUp = echo second >>$tmp/log\\nPostUp = { echo \"a;b\" | tr ab xy; } >>$tmp/log"
  sed -i 's/^PreUp.*/PreUp = echo PreUp %i >>log/' wg0.conf # the link is there in newer ones only
  wg-quick up ./wg0.conf >out 2>&1 && wg-quick down ./wg0.conf >out 2>&1
  check "wg-quick" [ $? -eq 0 ]
  mv log log.wg-quick
  run up ./wg0.conf
  exits 0
  check "steps" grep -qF "[#] echo second >>$tmp/log" err
  run up ./wg0.conf
  exits 0
  run down ./wg0.conf
  exits 0
  check "hooks" cmp log log.wg-quick
}

test_a_hook_that_fails() {
  local hook
  write_conf
  state >before
  for hook in PreUp PostUp; do
    write_hooks "$hook = true\\n$hook = false; touch $tmp/after-it"
    run up ./wg0.conf
    exits 1
    err_has "the hook ended with status 1"
    state >after
    check "state" cmp before after
    check "the hook stopped" [ ! -e after-it ]
  done
  write_hooks "PreDown = exit 7"
  run up ./wg0.conf
  exits 0
  state >before
  run --json down ./wg0.conf
  exits 1
  err_json '.error.code == "hook" and .error.command == "exit 7"'
  state >after
  check "state" cmp before after
  run down ./wg0.conf --skip hooks
  exits 0
}

test_a_hook_that_cleans_up() {
  write_hooks "PostUp = ip route add 10.99.0.0/16 dev %i\\nPreDown = ip route del 10.99.0.0/16 dev %i"
  state >before
  run up ./wg0.conf
  exits 0
  run down ./wg0.conf
  exits 0
  state >after
  check "state" cmp before after
}

# ---- files ----

test_strip() {
  write_hooks "# of mine\\nDNS = 192.0.2.1\\nMTU=1300\\nSaveConfig = true\\nPostUp = true # it is"
  wg-quick strip ./wg0.conf >stripped
  check "wg-quick" [ $? -eq 0 ]
  run strip ./wg0.conf
  exits 0
  check "output" cmp out stripped
}

# What a file makes of a device, the order of allowed IPs apart.
meaning() {
  ip link add meant type wireguard
  wg setconf meant <(wg-quick strip "$1")
  wg showconf meant | sed '/^AllowedIPs/{s/.*= //;s/, /\n/g}' | sort
  ip link del meant
}

test_save() {
  local other
  other=$(public_of "$(new_key)")
  write_conf "# the end"
  run up ./wg0.conf
  exits 0
  wg set wg0 listen-port 51999 peer "$(public_of "$far_key")" allowed-ips 10.9.0.7/32,fd09::2/128 \
    endpoint 192.0.2.9:1 peer "$other" persistent-keepalive 21 allowed-ips 10.9.9.0/24
  ip address add 10.9.1.1/24 dev wg0
  mkdir -p theirs ours
  cp wg0.conf theirs/wg0.conf
  cp wg0.conf ours/wg0.conf
  wg-quick save ./theirs/wg0.conf >out 2>&1
  check "wg-quick" [ $? -eq 0 ]
  run save ./ours/wg0.conf
  exits 0
  meaning ./theirs/wg0.conf >theirs/meaning
  meaning ./ours/wg0.conf >ours/meaning
  check "meaning" cmp ours/meaning theirs/meaning
  check "addresses" grep -qx "Address = 10.9.1.1/24" ours/wg0.conf
  check "comments" grep -qx "# the end" ours/wg0.conf
  check "mode" [ "$(stat -c %a ours/wg0.conf)" = 600 ]
  run down ./wg0.conf
  exits 0
}

test_save_config() {
  local other
  other=$(public_of "$(new_key)")
  write_hooks "SaveConfig = true"
  run up ./wg0.conf
  exits 0
  wg set wg0 peer "$other" allowed-ips 10.9.9.0/24
  run down ./wg0.conf
  exits 0
  check "the peer" grep -qx "PublicKey = $other" wg0.conf
  run up ./wg0.conf
  exits 0
  check "the peer" grep -q "$other" <(wg show wg0 peers)
  run down ./wg0.conf
  exits 0
}

run_tests test_hooks_run_as_by_wg_quick test_a_hook_that_fails test_a_hook_that_cleans_up \
  test_strip test_save test_save_config
