// SPDX-License-Identifier: MIT OR Apache-2.0
#include "wgnet/device_update.h"

#include "src/api/setter.h"
#include "src/base/text.h"
#include "src/conf/ascii.h"
#include "src/conf/value.h"

namespace wgnet {

std::string PeerUpdate::Where(std::string_view setter) const {
  const std::string name = has_key_ ? "\"" + public_key_.ToString() + "\"" : "";
  return "PeerUpdate(" + name + ")." + std::string(setter);
}

PeerUpdate& PeerUpdate::PublicKey(wgnet::PublicKey key) {
  public_key_ = key;
  has_key_ = true;
  return *this;
}

PeerUpdate& PeerUpdate::PublicKey(std::string_view base64) {
  SetParsed(wgnet::PublicKey::Parse(base64), error_, Where("PublicKey"),
            [&](wgnet::PublicKey key) { PublicKey(key); });
  return *this;
}

PeerUpdate& PeerUpdate::Remove() {
  removes_ = true;
  return *this;
}

PeerUpdate& PeerUpdate::PresharedKey(SecretKey key) {
  preshared_key_ = std::move(key);
  return *this;
}

PeerUpdate& PeerUpdate::PresharedKey(std::string_view base64) {
  SetParsed(SecretKey::Parse(base64), error_, Where("PresharedKey"),
            [&](SecretKey key) { PresharedKey(std::move(key)); });
  return *this;
}

PeerUpdate& PeerUpdate::Endpoint(wgnet::Endpoint endpoint) {
  endpoint_ = std::move(endpoint);
  return *this;
}

PeerUpdate& PeerUpdate::Endpoint(std::string_view endpoint) {
  SetParsed(wgnet::Endpoint::Parse(endpoint), error_, Where("Endpoint"),
            [&](wgnet::Endpoint parsed) { Endpoint(std::move(parsed)); });
  return *this;
}

PeerUpdate& PeerUpdate::PersistentKeepalive(int seconds) {
  if (seconds < 0 || seconds > UINT16_MAX) {
    Remember(error_, Invalid("out of range: " + std::to_string(seconds), "0 to 65535 seconds"),
             Where("PersistentKeepalive"));
  } else {
    persistent_keepalive_ = static_cast<uint16_t>(seconds);
  }
  return *this;
}

PeerUpdate& PeerUpdate::PersistentKeepalive(std::string_view interval) {
  SetParsed(conf::ReadKeepalive(interval), error_, Where("PersistentKeepalive"),
            [&](uint16_t seconds) { PersistentKeepalive(seconds); });
  return *this;
}

PeerUpdate& PeerUpdate::AllowedIp(Prefix prefix) {
  allowed_ips_.push_back({prefix.Masked(), false});
  return *this;
}

PeerUpdate& PeerUpdate::AllowedIp(std::string_view prefix) {
  SetParsed(Prefix::Parse(prefix), error_, Where("AllowedIp"),
            [&](Prefix parsed) { AllowedIp(parsed); });
  return *this;
}

PeerUpdate& PeerUpdate::RemoveAllowedIp(Prefix prefix) {
  allowed_ips_.push_back({prefix.Masked(), true});
  return *this;
}

PeerUpdate& PeerUpdate::RemoveAllowedIp(std::string_view prefix) {
  SetParsed(Prefix::Parse(prefix), error_, Where("RemoveAllowedIp"),
            [&](Prefix parsed) { RemoveAllowedIp(parsed); });
  return *this;
}

PeerUpdate& PeerUpdate::ReplaceAllowedIps(bool replace) {
  replaces_allowed_ips_ = replace;
  return *this;
}

PeerUpdate& PeerUpdate::AllowedIps(std::string_view list) {
  ReplaceAllowedIps();
  const conf::Squeezed squeezed(list);
  std::string_view rest = squeezed.view();
  for (bool more = !rest.empty(); more;) {
    const size_t comma = rest.find(',');
    const std::string_view part = rest.substr(0, comma);
    more = comma != rest.npos;
    rest.remove_prefix(more ? comma + 1 : rest.size());
    if (conf::IsMarked(part)) ReplaceAllowedIps(false);
    SetParsed(conf::ReadAllowedIp(part), error_, Where("AllowedIps"), [&](AllowedIpEdit edit) {
      edit.remove ? RemoveAllowedIp(edit.prefix) : AllowedIp(edit.prefix);
    });
  }
  return *this;
}

std::string DeviceUpdate::Where(std::string_view setter) const {
  const std::string name = interface_.empty() ? "" : QuoteForMessage(interface_);
  return "DeviceUpdate(" + name + ")." + std::string(setter);
}

DeviceUpdate& DeviceUpdate::Interface(std::string_view name) {
  SetParsed(CheckLinkName(name), error_, Where("Interface"),
            [&](std::string checked) { interface_ = std::move(checked); });
  return *this;
}

DeviceUpdate& DeviceUpdate::PrivateKey(SecretKey key) {
  private_key_ = std::move(key);
  return *this;
}

DeviceUpdate& DeviceUpdate::PrivateKey(std::string_view base64) {
  SetParsed(SecretKey::Parse(base64), error_, Where("PrivateKey"),
            [&](SecretKey key) { PrivateKey(std::move(key)); });
  return *this;
}

DeviceUpdate& DeviceUpdate::ListenPort(int port) {
  if (port < 0 || port > UINT16_MAX) {
    Remember(error_, Invalid("out of range: " + std::to_string(port), "a port is 0 to 65535"),
             Where("ListenPort"));
  } else {
    listen_port_ = static_cast<uint16_t>(port);
  }
  return *this;
}

DeviceUpdate& DeviceUpdate::ListenPort(std::string_view port) {
  SetParsed(conf::ReadPort(port), error_, Where("ListenPort"),
            [&](uint16_t number) { ListenPort(number); });
  return *this;
}

DeviceUpdate& DeviceUpdate::FwMark(uint32_t mark) {
  fwmark_ = mark;
  return *this;
}

DeviceUpdate& DeviceUpdate::FwMark(std::string_view mark) {
  SetParsed(conf::ReadFwMark(mark), error_, Where("FwMark"),
            [&](uint32_t number) { FwMark(number); });
  return *this;
}

DeviceUpdate& DeviceUpdate::AddPeer(PeerUpdate peer) {
  peers_.push_back(std::move(peer));
  return *this;
}

DeviceUpdate& DeviceUpdate::Unnamed(UnnamedPeers unnamed) {
  unnamed_ = unnamed;
  return *this;
}

Status DeviceUpdate::Check() const {
  if (error_) return *error_;
  if (interface_.empty()) return DeviceUpdate("").Check();
  for (const PeerUpdate& peer : peers_) {
    if (peer.error()) return *peer.error();
    if (!peer.has_public_key()) return *PeerUpdate("").error();
  }
  return {};
}

}  // namespace wgnet
