# SPDX-License-Identifier: MIT OR Apache-2.0
# Scripts that call wg and wg-quick by PATH, run by the real ones and by wgnet under those names.
# To be sourced first.
# shellcheck source=command_words.sh
source "$(dirname "$(realpath "${BASH_SOURCE[0]}")")/command_words.sh"

mkdir ours mixed
ln -s "$wgnet" ours/wg
ln -s "$wgnet" ours/wg-quick
ln -s "$wgnet" mixed/wg # under the real wg-quick
real_path=$PATH

# Runs the file `script` on a machine of its own, with these programs; leaves out.WHOSE and
# err.WHOSE. The machines that it makes go with it.
run_script() {
  local whose=$1 path=$real_path
  [[ $whose == real ]] || path=$tmp/$whose:$real_path
  rm -rf machine /etc/wireguard/* "err.$whose" && mkdir machine
  ip netns add machine
  ip -n machine link set lo up
  (cd machine && ip netns exec machine env PATH="$path" bash ../script) \
    >"out.$whose" 2>>"err.$whose"
  status=$?
  ran="the script with $whose programs"
  ip -all netns del
  cat "out.$whose" "err.$whose" >>transcript
  cp "out.$whose" out && cp "err.$whose" err
}

# same_with PROGRAMS...: whether the script finds out the same as with the real ones.
same_with() {
  local whose
  for whose in real "$@"; do
    run_script "$whose"
    exits 0
    check "it found something out" [ -s "out.$whose" ]
    check "the same with $whose" diff -U 0 out.real "out.$whose"
  done
}
