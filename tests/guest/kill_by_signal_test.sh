#!/bin/bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# SIGKILL at system calls of `wgnet up`, `wgnet down` and `wgnet recover`, all that a trace of them
# shows but for those that change nothing outside of the process: after `wgnet recover` the machine
# is exactly as before, or as after. Needs root, and changes nothing outside namespaces of its own. Without WireGuard in the kernel, over wireguard-go:
#   tests/guest/suite --timeout 900 tests/guest/kill_by_signal_test.sh
#   tests/guest/kill_by_signal_test.sh
may_use_userspace=yes
source "$(dirname "$(realpath "$0")")/node_words.sh"

# They change nothing outside of the process, or nothing that outlives it; what a process that it
# runs does is not its own.
readonly harmless=" access arch_prctl bind brk clone clone3 close connect execve exit_group faccessat
 faccessat2 fcntl flock fstat fstatfs futex getcwd getdents64 geteuid getpid getrandom getsockname
 getsockopt getuid lseek madvise mlock mmap mprotect munmap newfstatat poll ppoll prctl pread64
 prlimit64 read readlink readlinkat recvfrom recvmsg rseq rt_sigaction rt_sigprocmask
 rt_sigreturn sched_yield set_robust_list set_tid_address setns setsockopt socket statfs statx
 clock_nanosleep nanosleep sysinfo uname vfork wait4 gettid getegid dup dup2 pipe2 "
declare -A calls=()  # those to be killed at

# Of one kind, so many calls apart.
step_of() {
  [[ -z ${WGNET_FULL-} ]] || { echo 1; return; }
  case $1 in
    openat) [[ $userspace == yes ]] && echo 7 || echo 40 ;;
    sendmsg | write | pwrite64) [[ $userspace == yes ]] && echo 1 || echo 10 ;;
    *) echo 1 ;;
  esac
}

# Runs it to its end, and notes what it calls.
traced() {
  local call
  on near strace -o trace "$wgnet" "$@" >out 2>err
  status=$?
  ran="wgnet $*, traced"
  exits 0
  while read -r call; do
    [[ $harmless == *[[:space:]]"$call"[[:space:]]* ]] || calls[$call]=1
  done < <(sed -n 's/^\([a-z0-9_]*\)(.*/\1/p' trace | sort -u)
}

kills=0

make_machine() {
  add_machine near
  ip link add eth0 netns near type veth peer name eth0-far
  ip link set eth0-far up
  ip -n near link set eth0 up
  check "the uplink is up" within 10 has_uplink near
  ip -n near address add 192.168.5.10/24 dev eth0
  ip -n near route add default via 192.168.5.1
  on near sysctl -q net.ipv4.conf.eth0.rp_filter=1
  write_client "PostUp = true"
}

# Whether it was killed at the Nth call of this kind.
killed_at() {
  local call=$1 number=$2
  shift 2
  on near strace -o trace -e "trace=$call" -e "inject=$call:signal=KILL:when=$number" \
    "$wgnet" "$@" >out 2>err
  status=$?
  ran="wgnet $*, killed at $call $number"
  cat out err >>transcript
  ((status == 137))
}

# The state afterwards is one of the two, and there is nothing to recover any more.
recovers() {
  run --netns near recover
  exits 0
  save_state near now
  checks=$((checks + 1))
  if ! cmp -s now "$1" && ! cmp -s now "$2"; then
    failures=$((failures + 1))
    echo "FAIL after $ran: neither before nor after"
    diff -U 0 "$1" now | sed 's/^/  /'
  fi
  run --netns near recover
  out_is "nothing to recover"
}

# kill_everywhere VERB FROM TO, with the other verb going back.
kill_everywhere() {
  local call number
  for call in "${!calls[@]}"; do
    for ((number = 1; ; number += $(step_of "$call"))); do
      killed_at "$call" $number "$1" ./peer1.conf || break
      kills=$((kills + 1))
      recovers "$2" "$3"
      run --netns near "$4" ./peer1.conf
    done
    run --netns near "$4" ./peer1.conf
  done
}

test_both_ends() {
  make_machine
  save_state near down
  traced up ./peer1.conf
  cut=$(send_of RTM_NEWADDR)
  save_state near up
  traced down ./peer1.conf
  cut_up
  check "it is cut off" [ $status = 137 ]
  save_state near cut_off
  check "there is something to recover" not cmp -s down cut_off
  traced recover
}

# Kills an `up` in the middle of its changes.
cut_up() { killed_at sendmsg "$cut" up ./peer1.conf; }

# What changes anything: each is killed at below.
test_calls() {
  local call
  for call in openat write pwrite64 renameat unlinkat sendmsg mkdirat ftruncate; do
    check "a trace shows $call" [ -n "${calls[$call]-}" ]
  done
  echo "killed at: ${!calls[*]}"
}

test_up() { kill_everywhere up down up down; }

test_down() {
  run --netns near up ./peer1.conf
  kill_everywhere down up down up
  run --netns near down ./peer1.conf
}

# Of an `up` that is always cut off at the same place.
test_recover() {
  local call number
  for call in "${!calls[@]}"; do
    for ((number = 1; ; number += $(step_of "$call"))); do
      cut_up
      killed_at "$call" $number recover || break
      kills=$((kills + 1))
      recovers down down
    done
  done
}

run_tests test_both_ends test_calls test_up test_down test_recover test_secrets
echo "$kills kills, every point reached"
