// SPDX-License-Identifier: MIT OR Apache-2.0
#include "wgnet/peer.h"

#include "src/api/setter.h"

namespace wgnet {
namespace {

std::string Where(const wgnet::PublicKey& key, std::string_view setter) {
  const std::string name = key == wgnet::PublicKey() ? "" : "\"" + key.ToString() + "\"";
  return "Peer(" + name + ")." + std::string(setter);
}

}  // namespace

Peer& Peer::PublicKey(wgnet::PublicKey key) {
  public_key_ = key;
  return *this;
}

Peer& Peer::PublicKey(std::string_view base64) {
  SetParsed(wgnet::PublicKey::Parse(base64), error_, Where(public_key_, "PublicKey"),
            [&](wgnet::PublicKey key) { PublicKey(key); });
  return *this;
}

Peer& Peer::PresharedKey(SecretKey key) {
  preshared_key_ = std::move(key);
  return *this;
}

Peer& Peer::PresharedKey(std::string_view base64) {
  SetParsed(SecretKey::Parse(base64), error_, Where(public_key_, "PresharedKey"),
            [&](SecretKey key) { PresharedKey(std::move(key)); });
  return *this;
}

Peer& Peer::Endpoint(wgnet::Endpoint endpoint) {
  endpoint_ = std::move(endpoint);
  return *this;
}

Peer& Peer::Endpoint(std::string_view endpoint) {
  SetParsed(wgnet::Endpoint::Parse(endpoint), error_, Where(public_key_, "Endpoint"),
            [&](wgnet::Endpoint parsed) { Endpoint(std::move(parsed)); });
  return *this;
}

Peer& Peer::AllowedIp(Prefix prefix) {
  allowed_ips_.push_back(prefix.Masked());
  return *this;
}

Peer& Peer::AllowedIp(std::string_view prefix) {
  SetParsed(Prefix::Parse(prefix), error_, Where(public_key_, "AllowedIp"),
            [&](Prefix parsed) { AllowedIp(parsed); });
  return *this;
}

Peer& Peer::PersistentKeepalive(int seconds) {
  if (seconds < 0 || seconds > UINT16_MAX) {
    Remember(error_, Invalid("out of range: " + std::to_string(seconds), "0 to 65535 seconds"),
             Where(public_key_, "PersistentKeepalive"));
  } else {
    persistent_keepalive_ = static_cast<uint16_t>(seconds);
  }
  return *this;
}

}  // namespace wgnet
