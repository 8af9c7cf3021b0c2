// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/wireguard/uapi.h"

#include <sodium.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <limits>
#include <optional>
#include <tuple>

#include "src/base/text.h"
#include "src/netlink/codec.h"

namespace wgnet::wireguard {
namespace {

using kernel::WgDevice;
using kernel::WgPeer;
using netlink::Bytes;

// ---- values as text ----

void Append(std::string_view text, SecretBuffer& out) { out.Append(text.data(), text.size()); }

template <class Integer>
void AppendNumber(Integer number, SecretBuffer& out) {
  char digits[20];
  const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
  Append({digits, static_cast<size_t>(end - digits)}, out);
}

template <class T>
struct NumberText {
  using Value = T;
  static void Put(T value, SecretBuffer& out) { AppendNumber(value, out); }
  static bool Get(std::string_view text, T& value) {
    const auto number = ParseDecimal(text, static_cast<uint64_t>(std::numeric_limits<T>::max()));
    if (number) value = static_cast<T>(*number);
    return number.has_value();
  }
};

// Lower case, in constant time.
template <class Key>
struct KeyText {
  using Value = Key;
  static constexpr size_t kDigits = 2 * Key::kSize;
  static void Put(const Key& key, SecretBuffer& out) {
    const size_t at = out.size();
    out.Resize(at + kDigits + 1);  // libsodium writes a zero behind
    sodium_bin2hex(reinterpret_cast<char*>(out.data() + at), kDigits + 1, key.bytes().data(),
                   Key::kSize);
    out.Resize(at + kDigits);
  }
  static bool Get(std::string_view text, Key& key) {
    std::array<uint8_t, Key::kSize> bytes;
    size_t size = 0;
    const bool sound = text.size() == kDigits &&
                       sodium_hex2bin(bytes.data(), bytes.size(), text.data(), text.size(), nullptr,
                                      &size, nullptr) == 0 &&
                       size == bytes.size();
    if (sound) key = Key(std::span<const uint8_t, Key::kSize>(bytes));
    WipeMemory(bytes.data(), bytes.size());
    return sound;
  }
};

// A zone is the number of a link.
struct EndpointText {
  using Value = kernel::SocketAddress;
  static void Put(const Value& endpoint, SecretBuffer& out) {
    Append(kernel::SocketAddressWire::Text(endpoint), out);
  }
  static bool Get(std::string_view text, Value& endpoint) {
    const size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) return false;
    const auto port = ParseDecimal(text.substr(colon + 1), UINT16_MAX);
    std::string_view host = text.substr(0, colon);
    const bool bracketed = host.size() >= 2 && host.front() == '[' && host.back() == ']';
    if (bracketed) host = host.substr(1, host.size() - 2);
    const size_t percent = bracketed ? host.find('%') : std::string_view::npos;
    std::optional<uint64_t> zone = 0;
    if (percent != std::string_view::npos) {
      zone = ParseDecimal(host.substr(percent + 1), UINT32_MAX);
      host = host.substr(0, percent);
    }
    const auto address = IpAddress::Parse(host);
    if (!port || !zone || !address || address->is_v6() != bracketed) return false;
    endpoint = {*address, static_cast<uint16_t>(*port), static_cast<uint32_t>(*zone)};
    return true;
  }
};

// The two halves of a time.
template <auto Half>
struct TimeText {
  using Value = kernel::HandshakeTime;
  static bool Get(std::string_view text, Value& time) {
    return NumberText<int64_t>::Get(text, time.*Half);
  }
};

// ---- which member has which key ----

template <class Object, class Text>
struct Field {
  using TextType = Text;
  std::string_view key;
  std::optional<typename Text::Value> Object::*member;
};

template <class Text, class Object>
constexpr Field<Object, Text> Key(std::string_view key,
                                  std::optional<typename Text::Value> Object::*member) {
  return {key, member};
}

template <class Object>
constexpr auto kFields = std::tuple{};
template <>
constexpr auto kFields<WgDevice> =
    std::tuple{Key<NumberText<uint32_t>>("fwmark", &WgDevice::fwmark),
               Key<NumberText<uint16_t>>("listen_port", &WgDevice::listen_port),
               Key<KeyText<SecretKey>>("private_key", &WgDevice::private_key)};
template <>
constexpr auto kFields<WgPeer> =
    std::tuple{Key<KeyText<SecretKey>>("preshared_key", &WgPeer::preshared_key),
               Key<EndpointText>("endpoint", &WgPeer::endpoint),
               Key<NumberText<uint16_t>>("persistent_keepalive_interval", &WgPeer::keepalive),
               Key<TimeText<&kernel::HandshakeTime::seconds>>("last_handshake_time_sec",
                                                              &WgPeer::last_handshake),
               Key<TimeText<&kernel::HandshakeTime::nanoseconds>>("last_handshake_time_nsec",
                                                                  &WgPeer::last_handshake),
               Key<NumberText<uint64_t>>("rx_bytes", &WgPeer::rx_bytes),
               Key<NumberText<uint64_t>>("tx_bytes", &WgPeer::tx_bytes)};

constexpr std::string_view kPublicKey = "public_key";
constexpr std::string_view kAllowedIp = "allowed_ip";

template <class Object, class Visit>
void ForEachField(Visit&& visit) {
  std::apply([&](const auto&... field) { (visit(field), ...); }, kFields<Object>);
}

// ---- writing ----

template <class Text>
void PutLine(std::string_view key, const typename Text::Value& value, SecretBuffer& out) {
  Append(key, out);
  Append("=", out);
  Text::Put(value, out);
  Append("\n", out);
}

template <class Object>
void PutFields(const Object& object, SecretBuffer& out) {
  ForEachField<Object>([&]<class Text>(const Field<Object, Text>& field) {
    if constexpr (requires { Text::Put(*(object.*field.member), out); }) {
      if (object.*field.member) PutLine<Text>(field.key, *(object.*field.member), out);
    }
  });
}

struct Flag {
  uint32_t bit;
  std::string_view line;
};
constexpr Flag kDeviceFlags[] = {{WGDEVICE_F_REPLACE_PEERS, "replace_peers=true\n"}};
constexpr Flag kPeerFlags[] = {{WGPEER_F_REMOVE_ME, "remove=true\n"},
                               {WGPEER_F_UPDATE_ONLY, "update_only=true\n"},
                               {WGPEER_F_REPLACE_ALLOWEDIPS, "replace_allowed_ips=true\n"}};

int PutFlags(Bytes attributes, uint16_t attribute, std::span<const Flag> known, SecretBuffer& out) {
  uint32_t flags = 0;
  bool sound = true;
  const bool whole = netlink::ForEachAttribute(attributes, [&](uint16_t type, Bytes payload) {
    if (type == attribute) sound = netlink::ReadExact(payload, flags) && sound;
  });
  if (!whole || !sound) return EINVAL;
  for (const Flag& flag : known) {
    if ((flags & flag.bit) != 0) Append(flag.line, out);
    flags &= ~flag.bit;
  }
  return flags == 0 ? 0 : EOPNOTSUPP;
}

int PutPeer(Bytes nest, SecretBuffer& out) {
  WgPeer peer;
  if (!netlink::DecodeAttributes(nest, netlink::ExtraMode::kDrop, peer) || !peer.public_key) {
    return EINVAL;
  }
  PutLine<KeyText<PublicKey>>(kPublicKey, *peer.public_key, out);
  if (const int error = PutFlags(nest, WGPEER_A_FLAGS, kPeerFlags, out)) return error;
  PutFields(peer, out);
  if (!peer.allowed_ips) return 0;
  for (const Prefix& ip : *peer.allowed_ips) {
    Append(kAllowedIp, out);
    Append("=", out);
    Append(ip.ToString(), out);
    Append("\n", out);
  }
  return 0;
}

// ---- reading ----

struct Line {
  std::string_view key;
  std::string_view value;
};

// The lines of an answer that has come to its end.
class Lines {
 public:
  explicit Lines(std::string_view answer)
      : rest_(answer.substr(0, answer.size() - 1)), sound_(answer.ends_with(kEnd)) {}

  /// False at the end, and at a line that has no key.
  bool Next(Line& line) {
    if (!sound_ || rest_.empty()) return false;
    const std::string_view text = rest_.substr(0, rest_.find('\n'));
    rest_.remove_prefix(text.size() + 1);
    const size_t equals = text.find('=');
    sound_ = equals != std::string_view::npos && equals > 0;
    if (!sound_) return false;
    line = {text.substr(0, equals), text.substr(equals + 1)};
    return true;
  }
  bool sound() const { return sound_; }
  bool at_end() const { return rest_.empty(); }

 private:
  std::string_view rest_;
  bool sound_;
};

// `errno=-22`; some programs leave out the sign.
std::optional<int> ReadErrno(std::string_view value) {
  constexpr uint64_t kMostErrno = 4095;
  constexpr uint64_t kUnknown = 55;  // wireguard-go's ipc.IpcErrorUnknown
  if (value.starts_with('-')) value.remove_prefix(1);
  const auto number = ParseDecimal(value, kMostErrno);
  if (!number) return std::nullopt;
  return *number == kUnknown ? EIO : static_cast<int>(*number);
}

template <class Object>
bool ReadField(const Line& line, Object& object) {
  bool sound = true;
  ForEachField<Object>([&]<class Text>(const Field<Object, Text>& field) {
    if (line.key != field.key) return;
    auto& member = object.*field.member;
    if (!member) member.emplace();
    sound = Text::Get(line.value, *member) && sound;
  });
  return sound;
}

bool ReadAllowedIp(std::string_view value, WgPeer& peer) {
  const auto ip = Prefix::Parse(value);
  if (!ip || value.find('/') == std::string_view::npos) return false;
  peer.allowed_ips->push_back(ip->Masked());
  return true;
}

class GetReader {
 public:
  GetReader(const std::function<void(const WgDevice&)>& visit_device,
            const std::function<void(const WgPeer&)>& visit_peer)
      : visit_device_(visit_device), visit_peer_(visit_peer) {
    device_.fwmark = 0;
    device_.listen_port = 0;
  }

  int Read(std::string_view answer) {
    Lines lines(answer);
    Line line;
    while (lines.Next(line)) {
      if (line.key == "errno") {
        const auto error = ReadErrno(line.value);
        if (!error || !lines.at_end()) return EBADMSG;
        if (*error == 0) Finish();
        return *error;
      }
      if (!ReadLine(line)) return EBADMSG;
    }
    return EBADMSG;  // without an errno
  }

 private:
  bool ReadLine(const Line& line) {
    if (line.key == kPublicKey) {
      Finish();
      return BeginPeer(line.value);
    }
    if (!in_peer_) return ReadField(line, device_);
    return line.key == kAllowedIp ? ReadAllowedIp(line.value, peer_) : ReadField(line, peer_);
  }

  bool BeginPeer(std::string_view key) {
    netlink::Reset(peer_);
    in_peer_ = true;
    peer_.preshared_key.emplace();
    peer_.keepalive = 0;
    peer_.last_handshake.emplace();
    peer_.rx_bytes = 0;
    peer_.tx_bytes = 0;
    if (!peer_.allowed_ips) peer_.allowed_ips.emplace();
    return KeyText<PublicKey>::Get(key, peer_.public_key.emplace());
  }

  // Visits what the lines so far were about.
  void Finish() {
    if (in_peer_) {
      visit_peer_(peer_);
      return;
    }
    if (device_.private_key && device_.private_key->is_zero()) device_.private_key.reset();
    if (device_.private_key) device_.public_key = device_.private_key->Public();
    visit_device_(device_);
  }

  const std::function<void(const WgDevice&)>& visit_device_;
  const std::function<void(const WgPeer&)>& visit_peer_;
  WgDevice device_;
  WgPeer peer_;
  bool in_peer_ = false;
};

}  // namespace

int EncodeSet(Bytes attributes, SecretBuffer& text) {
  WgDevice device;
  if (!netlink::DecodeAttributes(attributes, netlink::ExtraMode::kDrop, device)) return EINVAL;
  Append("set=1\n", text);
  if (const int error = PutFlags(attributes, WGDEVICE_A_FLAGS, kDeviceFlags, text)) return error;
  PutFields(device, text);
  int error = 0;
  bool whole = true;
  netlink::ForEachAttribute(attributes, [&](uint16_t type, Bytes list) {
    if (type != WGDEVICE_A_PEERS) return;
    whole = netlink::ForEachAttribute(list, [&](uint16_t, Bytes nest) {
      if (error == 0) error = PutPeer(nest, text);
    });
  });
  Append("\n", text);
  return whole ? error : EINVAL;
}

int ReadSetAnswer(std::string_view answer) {
  Lines lines(answer);
  Line line;
  if (!lines.Next(line) || line.key != "errno" || !lines.at_end()) return EBADMSG;
  return ReadErrno(line.value).value_or(EBADMSG);
}

int ReadGetAnswer(std::string_view answer, const std::function<void(const WgDevice&)>& visit_device,
                  const std::function<void(const WgPeer&)>& visit_peer) {
  return GetReader(visit_device, visit_peer).Read(answer);
}

}  // namespace wgnet::wireguard
