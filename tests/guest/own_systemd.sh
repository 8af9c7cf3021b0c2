# SPDX-License-Identifier: MIT OR Apache-2.0
# A systemd(1) as process 1 of namespaces of its own, but for the network. It knows the packaged
# units, the targets that they name, and none of the machine's. To be sourced after node_words.sh.
[[ -n ${GUEST-} ]] || { echo "FAIL not in a guest: systemd sets the whole kernel's limits"; exit 1; }

readonly packaging=$here/../../packaging/systemd program=$wgnet
readonly units=$tmp/units group=/sys/fs/cgroup/wgnet-test-$$
manager=  # unshare(1), its parent
init=     # systemd

write_units() (
  umask 022
  mkdir "$units" generators
  for each in basic local-fs multi-user network-online nss-lookup shutdown sysinit timers umount; do
    cp "/lib/systemd/system/$each.target" "$units" || exit
  done
  cp "$packaging"/*.target "$packaging"/*.timer "$units"
  for each in "$packaging"/*.in; do
    sed "s|@bindir@|${program%/*}|" "$each" >"$units/$(basename "$each" .in)"
  done
  add_to wgnet-recover.timer $'[Timer]\nOnBootSec=\nOnBootSec=1\nOnUnitInactiveSec=1'
  add_to wgnet-resolve@.timer $'[Timer]\nOnActiveSec=\nOnActiveSec=1\nOnUnitInactiveSec=1'
  add_to service $'[Service]\nStandardOutput=append:'"$tmp/services.log"
)

# add_to UNIT TEXT: further settings of a unit, or of all of one type.
add_to() {
  mkdir -p "$units/$1.d"
  echo "$2" >"$units/$1.d/test.conf"
}

# Its /tmp is empty but for the test's folder.
boot() {
  mount -t tmpfs tmpfs /run && mkdir /run/test && mount --bind "$tmp" /run/test &&
    mount -t tmpfs tmpfs /tmp && mkdir -p "$tmp" && mount --move /run/test "$tmp" &&
    umount /sys/fs/cgroup && mount -t cgroup2 cgroup /sys/fs/cgroup &&
    exec env -i PATH="$PATH" container=other SYSTEMD_UNIT_PATH="$units" \
      SYSTEMD_GENERATOR_PATH="$tmp/generators" \
      SYSTEMD_ENVIRONMENT_GENERATOR_PATH="$tmp/generators" \
      /lib/systemd/systemd --unit=multi-user.target --log-target=kmsg --show-status=no
}

# Runs a command where systemd is process 1.
inside() { nsenter --target "$init" --mount --pid --wdns="$tmp" -- "$@"; }

is_up() {
  init=$(pgrep -P "$manager") && [[ $(inside systemctl is-system-running 2>&1) == running ]]
}

# From then on wgnet runs beside it, too.
start_systemd() {
  write_units || exit
  mkdir "$group" || exit
  talkative=$(sysctl -n kernel.printk_devkmsg)
  sysctl -q kernel.printk_devkmsg=on
  trap 'end_systemd; leave' EXIT
  (
    echo "$BASHPID" >"$group/cgroup.procs"
    export -f boot
    export tmp units
    exec unshare --pid --fork --kill-child --mount --propagation private --mount-proc --uts \
      --cgroup bash -c boot
  ) &
  manager=$!
  check "systemd is up" within 60 is_up
  ((failures == 0)) || exit
  wgnet=$tmp/wgnet
  printf '#!/bin/bash\nexec nsenter --target %s --mount --pid --wdns=%s -- %s "$@"\n' \
    "$init" "$tmp" "$program" >"$wgnet"
  chmod +x "$wgnet"
}

is_gone() { find "$group" -depth -type d -exec rmdir {} + 2>/dev/null; }

# Shows what it logged, if anything failed.
end_systemd() {
  if [[ $failures -gt 0 || $finished == no ]]; then
    dmesg | grep "systemd\[" | tail -n 60
    cat services.log 2>/dev/null
  fi
  kill -KILL "$manager" 2>/dev/null
  wait "$manager" 2>/dev/null
  check "nothing of systemd is left" within 10 is_gone
  sysctl -q kernel.printk_devkmsg="$talkative"
}
