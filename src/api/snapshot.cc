// SPDX-License-Identifier: MIT OR Apache-2.0
#include "wgnet/snapshot.h"

#include "src/api/pending_json.h"

namespace wgnet {
namespace {

void WriteKey(std::string_view name, const SecretKey& key, Secrets secrets, JsonWriter& out) {
  if (key.is_zero()) return;
  out.Key(name).String(secrets == Secrets::kReveal ? key.Reveal() : "(hidden)");
}

void Write(const PeerStatus& peer, Secrets secrets, JsonWriter& out) {
  out.Object([&] {
    out.Key("public_key").String(peer.public_key.ToString());
    WriteKey("preshared_key", peer.preshared_key, secrets, out);
    if (peer.endpoint) out.Key("endpoint").String(peer.endpoint->ToString());
    out.Key("allowed_ips").Array([&] {
      for (const Prefix& ip : peer.allowed_ips) out.String(ip.ToString());
    });
    out.Key("last_handshake").Object([&] {
      out.Key("seconds").Number(peer.last_handshake_seconds);
      out.Key("nanoseconds").Number(peer.last_handshake_nanoseconds);
    });
    out.Key("rx_bytes").Number(peer.rx_bytes);
    out.Key("tx_bytes").Number(peer.tx_bytes);
    out.Key("persistent_keepalive").Number(peer.persistent_keepalive);
  });
}

void Write(const DeviceStatus& device, Secrets secrets, JsonWriter& out) {
  out.Object([&] {
    out.Key("name").String(device.name);
    WriteKey("private_key", device.private_key, secrets, out);
    if (device.public_key != PublicKey()) {
      out.Key("public_key").String(device.public_key.ToString());
    }
    out.Key("listen_port").Number(device.listen_port);
    out.Key("fwmark").Number(device.fwmark);
    out.Key("mtu").Number(device.mtu);
    out.Key("addresses").Array([&] {
      for (const Prefix& address : device.addresses) out.String(address.ToString());
    });
    out.Key("peers").Array([&] {
      for (const PeerStatus& peer : device.peers) Write(peer, secrets, out);
    });
  });
}

void Write(const OwnerStatus& owner, JsonWriter& out) {
  out.Object([&] {
    out.Key("owner").String(owner.owner);
    out.Key("interfaces").Array([&] {
      for (const std::string& name : owner.interfaces) out.String(name);
    });
    out.Key("objects").Number(owner.objects);
    out.Key("missing").Number(owner.missing);
  });
}

}  // namespace

std::string Snapshot::ToJson(Secrets secrets) const {
  JsonWriter out;
  out.Object([&] {
    out.Key("schema").String("wgnet/1");
    out.Key("devices").Array([&] {
      for (const DeviceStatus& device : devices) Write(device, secrets, out);
    });
    out.Key("owners").Array([&] {
      for (const OwnerStatus& owner : owners) Write(owner, out);
    });
    if (!unserved.empty()) {
      out.Key("unserved").Array([&] {
        for (const std::string& name : unserved) out.String(name);
      });
    }
    if (pending) out.Key("pending").Object([&] { WriteJson(*pending, out); });
  });
  return out.text();
}

}  // namespace wgnet
