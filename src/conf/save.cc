// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/conf/save.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "src/conf/ascii.h"
#include "src/conf/edit.h"
#include "src/conf/key_table.h"
#include "src/conf/value.h"

namespace wgnet::conf {
namespace {

using SectionKind = ConfFile::SectionKind;

std::optional<SecretString> Unless(bool none, std::string_view text) {
  if (none) return std::nullopt;
  return SecretString(text);
}

std::optional<SecretString> TextOf(const SecretKey& key) {
  if (key.is_zero()) return std::nullopt;
  std::string text = key.Reveal();
  SecretString copy(text);
  WipeMemory(text.data(), text.size());
  return copy;
}

std::string Join(const std::vector<Prefix>& prefixes) {
  std::string text;
  for (const Prefix& prefix : prefixes) text += (text.empty() ? "" : ", ") + prefix.ToString();
  return text;
}

// A list of prefixes in a file brought to those that are wanted.
void SetPrefixes(const Scope& scope, std::string_view key, std::vector<Prefix> wanted,
                 Prefix (*as_compared)(const Prefix&), Edit& edit) {
  const auto keeps = [&](std::string_view value) {
    if (value.starts_with('+')) value = Trim(value.substr(1));
    const Squeezed text(value);
    const auto prefix = ReadAddress(text.view());
    if (!prefix) return false;
    const auto found = std::find(wanted.begin(), wanted.end(), as_compared(*prefix));
    if (found == wanted.end()) return false;
    wanted.erase(found);
    return true;
  };
  // The wanted ones that stand nowhere are known only then.
  edit.SetValues(scope, key, keeps, "");
  if (!wanted.empty()) {
    edit.SetValues(
        scope, key, [](std::string_view) { return true; }, Join(wanted));
  }
}

Prefix AsIs(const Prefix& prefix) { return prefix; }
Prefix Masked(const Prefix& prefix) { return prefix.Masked(); }

// A name stays: it says more than where its host was last.
bool IsEndpointRight(const std::optional<Endpoint>& written, const std::optional<Endpoint>& now) {
  if (!now) return true;
  if (!written) return false;
  return *written == *now || !IpAddress::Parse(written->host()).ok();
}

class Saver {
 public:
  Saver(const ConfFile& file, const Meaning& meaning, const DeviceStatus& state)
      : file_(file), meaning_(meaning), state_(state), edit_(file) {}

  SecretString Run() {
    Divide();
    SaveInterface();
    for (const Peer& peer : meaning_.interface.peers()) SavePeer(peer);
    for (const PeerStatus& peer : state_.peers) {
      if (!blocks_of_.contains(peer.public_key)) AppendPeer(peer);
    }
    return edit_.Finish();
  }

 private:
  void Divide() {
    const std::vector<Scope> blocks = edit_.Blocks();
    for (size_t i = 0; i < blocks.size(); ++i) {
      if (file_.sections()[i].kind == SectionKind::kInterface) {
        interface_.insert(interface_.end(), blocks[i].begin(), blocks[i].end());
      } else if (const auto key = KeyOf(blocks[i])) {
        blocks_of_[*key].push_back(blocks[i]);
      }
    }
  }

  std::optional<PublicKey> KeyOf(const Scope& block) const {
    std::optional<PublicKey> key;
    for (const size_t line : block) {
      const KeyRow* row = FindKey(file_.lines()[line].key);
      if (row == nullptr || row->name != "PublicKey") continue;
      const Squeezed text(file_.lines()[line].value);
      if (const auto parsed = PublicKey::Parse(text.view())) key = *parsed;
    }
    return key;
  }

  void SaveInterface() {
    if (interface_.empty()) return;
    const Interface& written = meaning_.interface;
    SetPrefixes(interface_, "Address", state_.addresses, AsIs, edit_);
    if (written.mtu() && *written.mtu() != state_.mtu) {
      edit_.SetValue(interface_, "MTU", SecretString(std::to_string(state_.mtu)));
    }
    if (written.listen_port().value_or(0) != state_.listen_port) {
      edit_.SetValue(interface_, "ListenPort",
                     Unless(state_.listen_port == 0, std::to_string(state_.listen_port)));
    }
    if (written.fwmark().value_or(0) != state_.fwmark) {
      edit_.SetValue(interface_, "FwMark",
                     Unless(state_.fwmark == 0, fmt::format("{:#x}", state_.fwmark)));
    }
    if (written.private_key().value_or(SecretKey()).Clamped() != state_.private_key) {
      edit_.SetValue(interface_, "PrivateKey", TextOf(state_.private_key));
    }
  }

  const PeerStatus* FindState(const PublicKey& key) const {
    const auto found = std::find_if(state_.peers.begin(), state_.peers.end(),
                                    [&](const auto& peer) { return peer.public_key == key; });
    return found != state_.peers.end() ? &*found : nullptr;
  }

  // Of a peer that stands twice only the first section is left, and holds everything.
  void SavePeer(const Peer& written) {
    const auto& blocks = blocks_of_[written.public_key()];
    const PeerStatus* now = FindState(written.public_key());
    const bool anew = blocks.size() > 1;
    for (size_t i = now != nullptr ? 1 : 0; i < blocks.size(); ++i) edit_.Drop(blocks[i]);
    if (now == nullptr || blocks.empty()) return;
    const Scope& scope = blocks.front();
    if (anew || written.preshared_key().value_or(SecretKey()) != now->preshared_key) {
      edit_.SetValue(scope, "PresharedKey", TextOf(now->preshared_key));
    }
    SetPrefixes(scope, "AllowedIPs", now->allowed_ips, Masked, edit_);
    const bool right = IsEndpointRight(written.endpoint(), now->endpoint);
    const auto& endpoint = right ? written.endpoint() : now->endpoint;
    if (anew || !right) {
      edit_.SetValue(scope, "Endpoint",
                     endpoint ? Unless(false, endpoint->ToString()) : std::nullopt);
    }
    if (anew || written.persistent_keepalive().value_or(0) != now->persistent_keepalive) {
      edit_.SetValue(
          scope, "PersistentKeepalive",
          Unless(now->persistent_keepalive == 0, std::to_string(now->persistent_keepalive)));
    }
  }

  void AppendPeer(const PeerStatus& peer) {
    const auto append = [&](std::string_view key, std::string_view value) {
      SecretString line;
      line.reserve(key.size() + value.size() + 64);
      edit_.Append(line.append(key).append(" = ").append(value));
    };
    edit_.Append("");
    edit_.Append("[Peer]");
    append("PublicKey", peer.public_key.ToString());
    if (const auto key = TextOf(peer.preshared_key)) append("PresharedKey", *key);
    if (!peer.allowed_ips.empty()) append("AllowedIPs", Join(peer.allowed_ips));
    if (peer.endpoint) append("Endpoint", peer.endpoint->ToString());
    if (peer.persistent_keepalive != 0) {
      append("PersistentKeepalive", std::to_string(peer.persistent_keepalive));
    }
  }

  const ConfFile& file_;
  const Meaning& meaning_;
  const DeviceStatus& state_;
  Edit edit_;
  Scope interface_;
  std::map<PublicKey, std::vector<Scope>> blocks_of_;
};

}  // namespace

SecretString WithState(const ConfFile& file, const Meaning& meaning, const DeviceStatus& state) {
  return Saver(file, meaning, state).Run();
}

}  // namespace wgnet::conf
