// SPDX-License-Identifier: MIT OR Apache-2.0
// set, setconf, addconf, syncconf: changing one interface, as wg(8) does.
#include <algorithm>
#include <span>
#include <utility>

#include "command.h"
#include "key_text.h"
#include "wgnet/conf.h"

namespace cli {
namespace {

using wgnet::DeviceUpdate;
using wgnet::Error;
using wgnet::ErrorCode;
using wgnet::PeerUpdate;
using wgnet::Result;

// ---- the words of `set` ----

template <class Update>
struct Option {
  std::string_view name;
  wgnet::Status (*set)(const std::string& value, Update& update);
};

template <class Update, auto setter>
wgnet::Status SetText(const std::string& value, Update& update) {
  (update.*setter)(value);
  return {};  // a mistake is kept, and reported with the setter's name
}

template <class Update, auto setter>
wgnet::Status SetKey(const std::string& path, Update& update) {
  auto key = ReadKeyFile(path);
  if (!key) return key.error();
  (update.*setter)(*std::move(key));
  return {};
}

template <class Update>
using TextSetter = Update& (Update::*)(std::string_view);
template <class Update>
using KeySetter = Update& (Update::*)(wgnet::SecretKey);

constexpr Option<DeviceUpdate> kDeviceOptions[] = {
    {"listen-port", SetText<DeviceUpdate, TextSetter<DeviceUpdate>(&DeviceUpdate::ListenPort)>},
    {"fwmark", SetText<DeviceUpdate, TextSetter<DeviceUpdate>(&DeviceUpdate::FwMark)>},
    {"private-key", SetKey<DeviceUpdate, KeySetter<DeviceUpdate>(&DeviceUpdate::PrivateKey)>},
};

constexpr Option<PeerUpdate> kPeerOptions[] = {
    {"preshared-key", SetKey<PeerUpdate, KeySetter<PeerUpdate>(&PeerUpdate::PresharedKey)>},
    {"endpoint", SetText<PeerUpdate, TextSetter<PeerUpdate>(&PeerUpdate::Endpoint)>},
    {"persistent-keepalive",
     SetText<PeerUpdate, TextSetter<PeerUpdate>(&PeerUpdate::PersistentKeepalive)>},
    {"allowed-ips", SetText<PeerUpdate, TextSetter<PeerUpdate>(&PeerUpdate::AllowedIps)>},
};

using Words = std::span<const std::string>;

Error InvalidWord(const std::string& word) {
  return {.code = ErrorCode::kInvalidArgument,
          .message = "Invalid argument: " + (HoldsKey(word) ? "(a key)" : word),
          .hint = "`wg set` alone prints what it takes"};
}

// Takes the option and its value off `words`.
template <class Update, size_t count>
wgnet::Status TakeOption(const Option<Update> (&options)[count], Words& words, Update& update) {
  const auto option = std::find_if(std::begin(options), std::end(options),
                                   [&](const auto& known) { return known.name == words[0]; });
  if (option == std::end(options) || words.size() < 2) return InvalidWord(words[0]);
  const auto set = option->set(words[1], update);
  words = words.subspan(2);
  return set;
}

// Takes what stands up to the next `peer`.
Result<PeerUpdate> TakePeer(Words& words) {
  if (words.size() < 2) return InvalidWord(words[0]);
  PeerUpdate peer(words[1]);
  words = words.subspan(2);
  while (!words.empty() && words[0] != "peer") {
    if (words[0] == "remove") {
      peer.Remove();
      words = words.subspan(1);
    } else if (const auto taken = TakeOption(kPeerOptions, words, peer); !taken) {
      return taken.error();
    }
  }
  return peer;
}

// Device tokens stand before the first `peer`.
Result<DeviceUpdate> ReadSet(Words words) {
  DeviceUpdate update(words[0]);
  words = words.subspan(1);
  while (!words.empty() && words[0] != "peer") {
    if (const auto taken = TakeOption(kDeviceOptions, words, update); !taken) return taken.error();
  }
  while (!words.empty()) {
    auto peer = TakePeer(words);
    if (!peer) return peer.error();
    update.AddPeer(*std::move(peer));
  }
  return update;
}

// ---- carrying it out ----

Outcome Apply(const Arguments& arguments, const DeviceUpdate& update) {
  auto session = OpenSessionOfWg(arguments);
  if (!session) return session.error();
  const auto done = session->Apply(update);
  if (!done) return done.error();
  return ExitStatus::kDone;
}

Outcome ApplyFile(const Arguments& arguments, wgnet::ConfFile::Update how, const Console& console) {
  const auto file = wgnet::ConfFile::Read(arguments.words[1], wgnet::ConfFile::Grammar::kWg);
  if (!file) return file.error();
  for (const std::string& warning : file->warnings()) console.Warn(warning);
  const auto update = file->ToDeviceUpdate(arguments.words[0], how);
  if (!update) return update.error();
  return Apply(arguments, *update);
}

}  // namespace

Outcome Set(const Arguments& arguments, const Console&) {
  const auto update = ReadSet(arguments.words);
  if (!update) return update.error();
  return Apply(arguments, *update);
}

Outcome SetConf(const Arguments& arguments, const Console& console) {
  return ApplyFile(arguments, wgnet::ConfFile::Update::kSet, console);
}

Outcome AddConf(const Arguments& arguments, const Console& console) {
  return ApplyFile(arguments, wgnet::ConfFile::Update::kAdd, console);
}

Outcome SyncConf(const Arguments& arguments, const Console& console) {
  return ApplyFile(arguments, wgnet::ConfFile::Update::kSync, console);
}

}  // namespace cli
