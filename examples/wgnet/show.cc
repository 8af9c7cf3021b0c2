// SPDX-License-Identifier: MIT OR Apache-2.0
#include "show.h"

#include <algorithm>
#include <cstdio>
#include <tuple>

namespace cli {
namespace {

using wgnet::DeviceStatus;
using wgnet::PeerStatus;
using wgnet::Prefix;

constexpr std::string_view kReset = "\x1b[0m";
constexpr std::string_view kBold = "\x1b[1m";
constexpr std::string_view kRed = "\x1b[31m";
constexpr std::string_view kGreen = "\x1b[32m";
constexpr std::string_view kYellow = "\x1b[33m";
constexpr std::string_view kCyan = "\x1b[36m";

constexpr std::string_view kNone = "(none)";

// ---- values ----

bool HasKey(const wgnet::PublicKey& key) { return key != wgnet::PublicKey(); }

std::string MarkText(uint32_t mark) {
  char text[16];
  std::snprintf(text, sizeof text, "0x%x", mark);
  return text;
}

SecretText KeyOrNone(const wgnet::SecretKey& key) {
  return key.is_zero() ? SecretText(kNone) : TakeSecret(key.Reveal());
}

std::string EndpointOrNone(const PeerStatus& peer) {
  return peer.endpoint ? peer.endpoint->ToString() : std::string(kNone);
}

std::string MarkOrOff(uint32_t mark) { return mark == 0 ? "off" : MarkText(mark); }

std::string KeepaliveOrOff(const PeerStatus& peer) {
  return peer.persistent_keepalive == 0 ? "off" : std::to_string(peer.persistent_keepalive);
}

std::string JoinIps(const PeerStatus& peer, char separator) {
  std::string text;
  for (const Prefix& ip : peer.allowed_ips) {
    if (!text.empty()) text += separator;
    text += ip.ToString();
  }
  return text.empty() ? std::string(kNone) : text;
}

std::string TransferText(const PeerStatus& peer) {
  return std::to_string(peer.rx_bytes) + "\t" + std::to_string(peer.tx_bytes);
}

// ---- for scripts ----

void DumpDevice(const DeviceStatus& device, SecretText& out) {
  out += KeyOrNone(device.private_key);
  out += '\t';
  out += HasKey(device.public_key) ? device.public_key.ToString() : kNone;
  out += '\t' + std::to_string(device.listen_port) + '\t' + MarkOrOff(device.fwmark);
}

void DumpPeer(const PeerStatus& peer, SecretText& out) {
  out += peer.public_key.ToString() + '\t';
  out += KeyOrNone(peer.preshared_key);
  out += '\t' + EndpointOrNone(peer) + '\t' + JoinIps(peer, ',') + '\t' +
         std::to_string(peer.last_handshake_seconds) + '\t' + TransferText(peer) + '\t' +
         KeepaliveOrOff(peer);
}

// A line for the device, or one for each peer, or both.
struct Field {
  std::string_view name;
  void (*device)(const DeviceStatus&, SecretText&);
  void (*peer)(const PeerStatus&, SecretText&);
};

// What follows the peer's key.
template <auto Text>
void PeerLine(const PeerStatus& peer, SecretText& out) {
  out += peer.public_key.ToString() + '\t';
  out += Text(peer);
}

constexpr auto kAllowedIps = [](const PeerStatus& peer) { return JoinIps(peer, ' '); };
constexpr auto kPresharedKey = [](const PeerStatus& peer) { return KeyOrNone(peer.preshared_key); };
constexpr auto kHandshake = [](const PeerStatus& peer) {
  return std::to_string(peer.last_handshake_seconds);
};

constexpr Field kFields[] = {
    {"public-key",
     [](const DeviceStatus& device, SecretText& out) {
       out += HasKey(device.public_key) ? device.public_key.ToString() : kNone;
     },
     nullptr},
    {"private-key",
     [](const DeviceStatus& device, SecretText& out) { out += KeyOrNone(device.private_key); },
     nullptr},
    {"listen-port",
     [](const DeviceStatus& device, SecretText& out) { out += std::to_string(device.listen_port); },
     nullptr},
    {"fwmark", [](const DeviceStatus& device, SecretText& out) { out += MarkOrOff(device.fwmark); },
     nullptr},
    {"peers", nullptr,
     [](const PeerStatus& peer, SecretText& out) { out += peer.public_key.ToString(); }},
    {"preshared-keys", nullptr, PeerLine<kPresharedKey>},
    {"endpoints", nullptr, PeerLine<EndpointOrNone>},
    {"allowed-ips", nullptr, PeerLine<kAllowedIps>},
    {"latest-handshakes", nullptr, PeerLine<kHandshake>},
    {"transfer", nullptr, PeerLine<TransferText>},
    {"persistent-keepalive", nullptr, PeerLine<KeepaliveOrOff>},
    {"dump", DumpDevice, DumpPeer},
};

void AddLines(const DeviceStatus& device, const Field& field, bool with_name, SecretText& out) {
  const std::string start = with_name ? device.name + '\t' : "";
  if (field.device != nullptr) {
    out += start;
    field.device(device, out);
    out += '\n';
  }
  if (field.peer == nullptr) return;
  for (const PeerStatus& peer : device.peers) {
    out += start;
    field.peer(peer, out);
    out += '\n';
  }
}

// ---- for people ----

struct TimeUnit {
  std::string_view name;
  uint64_t seconds;
};
constexpr TimeUnit kTimeUnits[] = {
    {"year", 365 * 24 * 60 * 60},
    {"day", 24 * 60 * 60},
    {"hour", 60 * 60},
    {"minute", 60},
    {"second", 1},
};

struct SizeUnit {
  std::string_view name;
  uint64_t bytes;
};
constexpr SizeUnit kSizeUnits[] = {
    {"TiB", uint64_t{1} << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}};

class Pretty {
 public:
  explicit Pretty(const ShowStyle& style) : style_(style) {}

  void Add(const DeviceStatus& device) {
    if (!out_.empty()) out_ += '\n';
    Color(kReset);
    Heading(kGreen, "interface", device.name);
    if (HasKey(device.public_key)) Line("public key", device.public_key.ToString());
    MaskedKey("private key", device.private_key);
    if (device.listen_port != 0) Line("listening port", std::to_string(device.listen_port));
    if (device.fwmark != 0) Line("fwmark", MarkText(device.fwmark));
    for (const PeerStatus* peer : Sorted(device.peers)) {
      out_ += '\n';
      Add(*peer);
    }
  }

  SecretText Take() && { return std::move(out_); }

 private:
  // Never heard of comes last: its time is zero.
  static std::vector<const PeerStatus*> Sorted(const std::vector<PeerStatus>& peers) {
    const auto time = [](const PeerStatus* peer) {
      return std::tuple(peer->last_handshake_seconds, peer->last_handshake_nanoseconds);
    };
    std::vector<const PeerStatus*> sorted;
    sorted.reserve(peers.size());
    for (const PeerStatus& peer : peers) sorted.push_back(&peer);
    std::stable_sort(sorted.begin(), sorted.end(),
                     [&](const auto* a, const auto* b) { return time(a) > time(b); });
    return sorted;
  }

  void Add(const PeerStatus& peer) {
    Heading(kYellow, "peer", peer.public_key.ToString());
    MaskedKey("preshared key", peer.preshared_key);
    if (peer.endpoint) Line("endpoint", peer.endpoint->ToString());
    AllowedIps(peer);
    if (peer.last_handshake_seconds != 0) Handshake(peer.last_handshake_seconds);
    if (peer.rx_bytes != 0 || peer.tx_bytes != 0) Transfer(peer);
    if (peer.persistent_keepalive != 0) {
      Label("persistent keepalive");
      out_ += "every ";
      Duration(peer.persistent_keepalive);
      out_ += '\n';
    }
  }

  void AllowedIps(const PeerStatus& peer) {
    Label("allowed ips");
    if (peer.allowed_ips.empty()) out_ += kNone;
    for (const Prefix& ip : peer.allowed_ips) {
      if (&ip != &peer.allowed_ips.front()) out_ += ", ";
      out_ += ip.address().ToString();
      Painted(kCyan, "/");
      out_ += std::to_string(ip.length());
    }
    out_ += '\n';
  }

  void Handshake(int64_t time) {
    Label("latest handshake");
    if (time == style_.now) {
      out_ += "Now";
    } else if (time > style_.now) {
      out_ += '(';
      Painted(kRed, "System clock wound backward; connection problems may ensue.");
      out_ += ')';
    } else {
      Duration(static_cast<uint64_t>(style_.now - time));
      out_ += " ago";
    }
    out_ += '\n';
  }

  void Transfer(const PeerStatus& peer) {
    Label("transfer");
    Size(peer.rx_bytes);
    out_ += " received, ";
    Size(peer.tx_bytes);
    out_ += " sent\n";
  }

  void Duration(uint64_t seconds) {
    bool first = true;
    for (const TimeUnit& unit : kTimeUnits) {
      const uint64_t count = seconds / unit.seconds;
      seconds %= unit.seconds;
      if (count == 0) continue;
      out_ += (first ? "" : ", ") + std::to_string(count) + ' ';
      Painted(kCyan, std::string(unit.name) + (count == 1 ? "" : "s"));
      first = false;
    }
  }

  void Size(uint64_t bytes) {
    for (const SizeUnit& unit : kSizeUnits) {
      if (bytes < unit.bytes) continue;
      char text[32];
      std::snprintf(text, sizeof text, "%.2f ",
                    static_cast<double>(bytes) / static_cast<double>(unit.bytes));
      out_ += text;
      Painted(kCyan, unit.name);
      return;
    }
    out_ += std::to_string(bytes) + ' ';
    Painted(kCyan, "B");
  }

  void MaskedKey(std::string_view label, const wgnet::SecretKey& key) {
    if (key.is_zero()) return;
    Line(label, style_.reveal_keys ? TakeSecret(key.Reveal()) : SecretText("(hidden)"));
  }

  void Heading(std::string_view color, std::string_view label, std::string_view name) {
    Color(color);
    Painted(kBold, label);
    out_ += ": ";
    Painted(color, name);
    out_ += '\n';
  }

  void Label(std::string_view label) {
    out_ += "  ";
    Painted(kBold, label);
    out_ += ": ";
  }

  void Line(std::string_view label, std::string_view value) {
    Label(label);
    out_ += value;
    out_ += '\n';
  }

  void Painted(std::string_view color, std::string_view text) {
    Color(color);
    out_ += text;
    Color(kReset);
  }

  void Color(std::string_view code) {
    if (style_.color) out_ += code;
  }

  const ShowStyle& style_;
  SecretText out_;
};

}  // namespace

SecretText ShowPretty(std::span<const DeviceStatus> devices, const ShowStyle& style) {
  Pretty pretty(style);
  for (const DeviceStatus& device : devices) pretty.Add(device);
  return std::move(pretty).Take();
}

SecretText ShowField(std::span<const DeviceStatus> devices, std::string_view field,
                     bool with_name) {
  SecretText out;
  const auto found = std::find_if(std::begin(kFields), std::end(kFields),
                                  [&](const Field& known) { return known.name == field; });
  if (found == std::end(kFields)) return out;
  for (const DeviceStatus& device : devices) AddLines(device, *found, with_name, out);
  return out;
}

std::vector<std::string> ShowFields() {
  std::vector<std::string> names;
  for (const Field& field : kFields) names.emplace_back(field.name);
  return names;
}

SecretText ShowNames(std::span<const DeviceStatus> devices) {
  SecretText out;
  for (const DeviceStatus& device : devices) {
    if (!out.empty()) out += ' ';
    out += device.name;
  }
  if (!out.empty()) out += '\n';
  return out;
}

}  // namespace cli
