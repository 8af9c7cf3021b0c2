// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/conf/device.h"

#include <unordered_set>

#include "src/base/try.h"

namespace wgnet::conf {
namespace {

using Update = ConfFile::Update;

UnnamedPeers UnnamedOf(Update how) {
  switch (how) {
    case Update::kAdd:
      return UnnamedPeers::kKeep;
    case Update::kSync:
      return UnnamedPeers::kRemove;
    case Update::kSet:
      break;
  }
  return UnnamedPeers::kReplace;
}

void SetDevice(const Interface& interface, bool whole, DeviceUpdate& update) {
  if (const auto& key = interface.private_key(); key || whole) {
    update.PrivateKey(key.value_or(SecretKey()));
  }
  if (const auto& port = interface.listen_port(); port || whole) {
    update.ListenPort(port.value_or(0));
  }
  if (const auto& mark = interface.fwmark(); mark || whole) update.FwMark(mark.value_or(0));
}

// But for the endpoint, which the kernel may have learned.
void ClearUnset(PeerUpdate& peer) {
  if (!peer.preshared_key()) peer.PresharedKey(SecretKey());
  if (!peer.persistent_keepalive()) peer.PersistentKeepalive(0);
}

}  // namespace

Result<DeviceUpdate> UpdateOf(const Meaning& meaning, std::string_view interface_name, Update how) {
  DeviceUpdate update(interface_name);
  SetDevice(meaning.interface, how != Update::kAdd, update);
  update.Unnamed(UnnamedOf(how));
  std::unordered_set<PublicKey, std::hash<PublicKey>> named;
  for (PeerUpdate peer : meaning.peers) {
    const bool first = named.insert(peer.public_key()).second;
    if (first && how == Update::kSync) ClearUnset(peer);  // a second section adds to the first
    update.AddPeer(std::move(peer));
  }
  WGNET_RETURN_IF_ERROR(update.Check());
  return update;
}

}  // namespace wgnet::conf
