#!/bin/bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Under a systemd(1) of its own: who guards a change that waits to be confirmed, and what the
# packaged units do. Only in a guest:
#   tests/guest/run -- tests/guest/systemd_test.sh
source "$(dirname "$(realpath "$0")")/node_words.sh"
source "$here/own_systemd.sh"
source "$here/port_change.sh"

# Runs a command in systemd's namespaces, as `run` does with wgnet.
run_inside() {
  inside "$@" >out 2>err
  status=$?
  ran="$*"
  cat out err >>transcript
}

# ---- a change that waits ----

readonly apply=("$program" apply --owner me)
readonly change=("${apply[@]}" --confirm 5 "$tmp/new.json")

# The unit that guards it, as systemctl(1) lists it.
guardian() { inside systemctl list-units --no-legend --plain | grep "Guards a change of wgnet"; }
guardian_is() { [[ $(guardian) == run-*."$1 loaded active running "* ]]; }
nobody_guards() { not guardian && not guardian_runs; }

# Waits for the deadline of a change that was made.
is_taken_back() {
  local deadline
  run --json status
  deadline=$(($(milliseconds) + $(left)))
  check "it is done" port_is 51821
  check "it is taken back" within 40 port_is 51820
  echo "  taken back $(($(milliseconds) - deadline)) ms after the deadline"
  check "nobody guards it any more" within 10 nobody_guards
  save after
  same "what is taken back" before after
}

test_systemd_is_up() {
  start_systemd
  run_inside "${apply[@]}" "$tmp/old.json"
  exits 0
  save before
}

test_unit_takes_back() {
  run_inside "${change[@]}"
  exits 0
  check "a unit guards it" guardian_is service
  is_taken_back
}

# All that a service leaves is killed when it ends.
test_of_a_service() {
  run_inside systemd-run --quiet --collect --service-type=oneshot "${change[@]}"
  exits 0
  check "a unit guards it" guardian_is service
  is_taken_back
}

# Where a service would not see what the caller sees.
test_of_a_service_with_mounts_of_its_own() {
  run_inside systemd-run --quiet --collect --service-type=oneshot --property=PrivateMounts=yes \
    "${change[@]}"
  exits 0
  check "a unit guards it" guardian_is scope
  is_taken_back
}

test_from_another_mount_namespace() {
  run_inside unshare --mount "${change[@]}"
  exits 0
  check "a unit guards it" guardian_is scope
  is_taken_back
}

# Where systemd knows the process by another number.
test_from_another_pid_namespace() {
  local namespace
  inside unshare --mount --mount-proc --pid --fork --kill-child \
    bash -c '"$@"; exec sleep infinity' - "${change[@]}" >out 2>err &
  namespace=$!
  check "it is guarded" within 10 guardian_runs
  check "it is no unit" not guardian
  is_taken_back
  kill -KILL $namespace
  wait $namespace 2>/dev/null
}

test_timer_takes_back() {
  run_inside "${change[@]}"
  exits 0
  inside systemctl start wgnet-recover.timer
  inside systemctl kill -s KILL "$(guardian | cut -d ' ' -f 1)"
  check "nobody guards it any more" within 5 nobody_guards
  is_taken_back
  check "it was the timer's" grep -q "a change of me was not confirmed" services.log
  inside systemctl stop wgnet-recover.timer
}

test_confirmed() {
  run_inside "${apply[@]}" --confirm 60 "$tmp/new.json"
  exits 0
  check "a unit guards it" guardian_is service
  save waiting
  run confirm "$(token)"
  exits 0
  check "nobody guards it any more" within 10 nobody_guards
  save after
  same "what is confirmed" waiting after
  run delete me
  exits 0
}

# ---- the packaged service ----

service_is() { [[ $(inside systemctl is-active wgnet@wg0) == "$1" ]]; }

# write_conf has made wg0.conf.
configure() {
  write_conf "$@"
  cp wg0.conf /etc/wireguard
}

test_interface_service() {
  save before
  configure
  run_inside systemctl start wgnet@wg0
  exits 0
  check "it is up" service_is active
  check "its port" port_is 51820
  check "its address" grep -q 10.9.0.1/24 <(ip address show wg0)
  save up
  sed -i 's/51820/51821/; s/^\(AllowedIPs = .*\)/\1, 10.9.7.0\/24/' /etc/wireguard/wg0.conf
  run_inside systemctl reload wgnet@wg0
  exits 0
  check "its new port" port_is 51821
  check "its new route" grep -q 10.9.7.0/24 <(ip route show dev wg0)
  configure
  run_inside systemctl reload wgnet@wg0
  save after
  same "the file as it was" up after
  echo "nonsense" >>/etc/wireguard/wg0.conf
  run_inside systemctl reload wgnet@wg0
  exits 1
  check "it is up" service_is active
  save after
  same "after a broken file" up after
  configure
  run_inside systemctl stop wgnet@wg0
  exits 0
  check "it is down" service_is inactive
  save after
  same "what is stopped" before after
}

endpoint_is() { [[ $(wg show wg0 endpoints | cut -f 2) == "$1" ]]; }
timer_is() { [[ $(inside systemctl is-active wgnet-resolve@wg0.timer) == "$1" ]]; }

test_name_that_comes_later() {
  cp /etc/hosts hosts
  configure
  sed -i '/^Endpoint/d; s/^AllowedIPs/Endpoint = late.test:51820\n&/' /etc/wireguard/wg0.conf
  add_to wgnet@.service $'[Service]\nEnvironment=WG_ENDPOINT_RESOLUTION_RETRIES=0'
  # As `systemctl enable` does, in another folder.
  mkdir "$units/wgnet@wg0.service.wants"
  ln -s ../wgnet-resolve@.timer "$units/wgnet@wg0.service.wants/wgnet-resolve@wg0.timer"
  inside systemctl daemon-reload
  run_inside systemctl start wgnet@wg0
  exits 0
  check "the timer runs" timer_is active
  check "it has no endpoint" endpoint_is "(none)"
  echo "192.0.2.7 late.test" >>/etc/hosts
  check "it gets it" within 20 endpoint_is 192.0.2.7:51820
  run_inside systemctl stop wgnet@wg0
  exits 0
  check "the timer does not run" timer_is inactive
  rm -r "$units/wgnet@wg0.service.wants"
  cp hosts /etc/hosts
}

# A full tunnel, whose process is killed when its interface is there.
test_killed_service() {
  configure
  sed -i 's/^AllowedIPs.*/AllowedIPs = 0.0.0.0\/0, ::\/0/' /etc/wireguard/wg0.conf
  save before
  run_inside strace -o "$tmp/trace" "$program" up wg0
  exits 0
  run down wg0
  exits 0
  add_to wgnet@.service "[Service]
ExecStart=
ExecStart=strace -e trace=sendmsg -e inject=sendmsg:signal=KILL:when=$(send_of RTM_NEWADDR) \
$program up %i"
  inside systemctl daemon-reload
  run_inside systemctl start wgnet@wg0
  exits 1
  check "something is left" exists wg0
  run_inside systemctl start wgnet-recover
  exits 0
  save after
  same "what is recovered" before after
}

run_tests test_systemd_is_up test_unit_takes_back test_of_a_service \
  test_of_a_service_with_mounts_of_its_own test_from_another_mount_namespace \
  test_from_another_pid_namespace test_timer_takes_back test_confirmed test_interface_service \
  test_name_that_comes_later test_killed_service test_secrets
