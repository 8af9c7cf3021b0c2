// SPDX-License-Identifier: MIT OR Apache-2.0
// The formats of `wg show`, against texts captured from wg(8), wireguard-tools 1.0.20210914.
#include "examples/wgnet/show.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace cli {
namespace {

using wgnet::DeviceStatus;
using wgnet::Endpoint;
using wgnet::PeerStatus;
using wgnet::Prefix;
using wgnet::PublicKey;
using wgnet::SecretKey;

constexpr int64_t kNow = 1795493814;
constexpr std::string_view kPrivateKey = "aEcGBoXMJRhy4PPdrc9oMWPFcn2fzsaQLPHfdq5mkFU=";
constexpr std::string_view kPublicKey = "6Zyo59q/KycRVj7+dj3FHQFtEu3y6YJ21uv+kQB1EDE=";
constexpr std::string_view kSilentPeer = "HR8Kp3xWIt2rNdS3aaCk+Ss7yQqC9cn6h3WS6UK3WE0=";
constexpr std::string_view kOldPeer = "t95vF4b11RLCId3ArVVIJoC5Ih9CNbI0VTNuDuEzZyw=";
constexpr std::string_view kFreshPeer = "kGZzt/CU2MVgq19ffXB2YMDSr6WIhlkdlL1MOeGH700=";
constexpr std::string_view kPresharedKey = "bIuHjMwne5cZivwntataJRKlYjzgU62I/RVCKGud14M=";

std::vector<Prefix> Ips(const std::vector<std::string_view>& texts) {
  std::vector<Prefix> ips;
  for (const std::string_view text : texts) ips.push_back(*Prefix::Parse(text));
  return ips;
}

PeerStatus PeerOf(std::string_view key) { return {.public_key = *PublicKey::Parse(key)}; }

// In the order in which they were made, which is not that of their handshakes.
DeviceStatus Busy() {
  PeerStatus old = PeerOf(kOldPeer);
  old.endpoint = *Endpoint::Parse("192.0.2.1:51820");
  old.allowed_ips = Ips({"10.0.0.0/8", "fd00::/64"});
  old.last_handshake_seconds = kNow - 95000000;
  old.rx_bytes = 1023;
  old.tx_bytes = 1024;
  old.persistent_keepalive = 25;
  PeerStatus fresh = PeerOf(kFreshPeer);
  fresh.preshared_key = *SecretKey::Parse(kPresharedKey);
  fresh.endpoint = *Endpoint::Parse("[2001:db8::1]:443");
  fresh.allowed_ips = Ips({"0.0.0.0/0"});
  fresh.last_handshake_seconds = kNow - 61;
  fresh.rx_bytes = 123456789;
  fresh.tx_bytes = 5000000000000;
  fresh.persistent_keepalive = 65535;
  return {.name = "wgx",
          .private_key = *SecretKey::Parse(kPrivateKey),
          .public_key = *PublicKey::Parse(kPublicKey),
          .listen_port = 51820,
          .fwmark = 0xca6c,
          .peers = {PeerOf(kSilentPeer), old, fresh}};
}

DeviceStatus Bare() { return {.name = "wg1"}; }

std::string Pretty(const std::vector<DeviceStatus>& devices, ShowStyle style = {}) {
  style.now = kNow;
  return std::string(std::string_view(ShowPretty(devices, style)));
}

std::string Field(const std::vector<DeviceStatus>& devices, std::string_view field,
                  bool with_name = false) {
  return std::string(std::string_view(ShowField(devices, field, with_name)));
}

// ---- for people ----

TEST(ShowPretty, NoDevice) { EXPECT_EQ(Pretty({}), ""); }

TEST(ShowPretty, BareDevice) { EXPECT_EQ(Pretty({Bare()}), "interface: wg1\n"); }

constexpr std::string_view kBusyText = R"(interface: wgx
  public key: 6Zyo59q/KycRVj7+dj3FHQFtEu3y6YJ21uv+kQB1EDE=
  private key: (hidden)
  listening port: 51820
  fwmark: 0xca6c

peer: kGZzt/CU2MVgq19ffXB2YMDSr6WIhlkdlL1MOeGH700=
  preshared key: (hidden)
  endpoint: [2001:db8::1]:443
  allowed ips: 0.0.0.0/0
  latest handshake: 1 minute, 1 second ago
  transfer: 117.74 MiB received, 4.55 TiB sent
  persistent keepalive: every 18 hours, 12 minutes, 15 seconds

peer: t95vF4b11RLCId3ArVVIJoC5Ih9CNbI0VTNuDuEzZyw=
  endpoint: 192.0.2.1:51820
  allowed ips: 10.0.0.0/8, fd00::/64
  latest handshake: 3 years, 4 days, 12 hours, 53 minutes, 20 seconds ago
  transfer: 1023 B received, 1.00 KiB sent
  persistent keepalive: every 25 seconds

peer: HR8Kp3xWIt2rNdS3aaCk+Ss7yQqC9cn6h3WS6UK3WE0=
  allowed ips: (none)
)";

TEST(ShowPretty, BusyDevice) { EXPECT_EQ(Pretty({Busy()}), kBusyText); }

TEST(ShowPretty, DevicesAreApartByABlankLine) {
  EXPECT_EQ(Pretty({Bare(), Busy(), Bare()}),
            "interface: wg1\n\n" + std::string(kBusyText) + "\ninterface: wg1\n");
}

TEST(ShowPretty, ColorAndKeys) {
  constexpr std::string_view kPainted =
      "\x1b[0m\x1b[32m\x1b[1minterface\x1b[0m: \x1b[32mwgx\x1b[0m\n"
      "  \x1b[1mpublic key\x1b[0m: 6Zyo59q/KycRVj7+dj3FHQFtEu3y6YJ21uv+kQB1EDE=\n"
      "  \x1b[1mprivate key\x1b[0m: aEcGBoXMJRhy4PPdrc9oMWPFcn2fzsaQLPHfdq5mkFU=\n"
      "  \x1b[1mlistening port\x1b[0m: 51820\n"
      "  \x1b[1mfwmark\x1b[0m: 0xca6c\n"
      "\n"
      "\x1b[33m\x1b[1mpeer\x1b[0m: \x1b[33mkGZzt/CU2MVgq19ffXB2YMDSr6WIhlkdlL1MOeGH700=\x1b[0m\n"
      "  \x1b[1mpreshared key\x1b[0m: bIuHjMwne5cZivwntataJRKlYjzgU62I/RVCKGud14M=\n"
      "  \x1b[1mendpoint\x1b[0m: [2001:db8::1]:443\n"
      "  \x1b[1mallowed ips\x1b[0m: 0.0.0.0\x1b[36m/\x1b[0m0\n"
      "  \x1b[1mlatest handshake\x1b[0m: 1 \x1b[36mminute\x1b[0m, 1 \x1b[36msecond\x1b[0m ago\n"
      "  \x1b[1mtransfer\x1b[0m: 117.74 \x1b[36mMiB\x1b[0m received, 4.55 \x1b[36mTiB\x1b[0m sent\n"
      "  \x1b[1mpersistent keepalive\x1b[0m: every 18 \x1b[36mhours\x1b[0m, 12 "
      "\x1b[36mminutes\x1b[0m, 15 \x1b[36mseconds\x1b[0m\n"
      "\n"
      "\x1b[33m\x1b[1mpeer\x1b[0m: \x1b[33mHR8Kp3xWIt2rNdS3aaCk+Ss7yQqC9cn6h3WS6UK3WE0=\x1b[0m\n"
      "  \x1b[1mallowed ips\x1b[0m: (none)\n";
  DeviceStatus device = Busy();
  device.peers.erase(device.peers.begin() + 1);
  EXPECT_EQ(Pretty({device}, {.color = true, .reveal_keys = true}), kPainted);
}

struct Moment {
  int64_t seconds_ago;
  std::string_view text;
};

TEST(ShowPretty, LatestHandshake) {
  constexpr Moment kMoments[] = {
      {0, "Now"},
      {1, "1 second ago"},
      {59, "59 seconds ago"},
      {60, "1 minute ago"},
      {3600, "1 hour ago"},
      {7322, "2 hours, 2 minutes, 2 seconds ago"},
      {86400, "1 day ago"},
      {31536000, "1 year ago"},
      {31536000 + 1, "1 year, 1 second ago"},
      {-1, "(System clock wound backward; connection problems may ensue.)"},
  };
  for (const auto& [seconds_ago, text] : kMoments) {
    DeviceStatus device = Bare();
    device.peers = {PeerOf(kOldPeer)};
    device.peers[0].last_handshake_seconds = kNow - seconds_ago;
    EXPECT_EQ(Pretty({device}),
              "interface: wg1\n\npeer: " + std::string(kOldPeer) +
                  "\n  allowed ips: (none)\n  latest handshake: " + std::string(text) + "\n");
  }
}

TEST(ShowPretty, ClockWoundBackwardIsRed) {
  DeviceStatus device = Bare();
  device.peers = {PeerOf(kOldPeer)};
  device.peers[0].last_handshake_seconds = kNow + 100;
  EXPECT_NE(Pretty({device}, {.color = true})
                .find("(\x1b[31mSystem clock wound backward; connection problems may "
                      "ensue.\x1b[0m)\n"),
            std::string::npos);
}

struct Amount {
  uint64_t bytes;
  std::string_view text;
};

TEST(ShowPretty, Transfer) {
  constexpr Amount kAmounts[] = {
      {0, "0 B"},
      {1, "1 B"},
      {1023, "1023 B"},
      {1024, "1.00 KiB"},
      {1536, "1.50 KiB"},
      {(1 << 20) - 1, "1024.00 KiB"},
      {1 << 20, "1.00 MiB"},
      {(1 << 30) - 1, "1024.00 MiB"},
      {1 << 30, "1.00 GiB"},
      {(uint64_t{1} << 40) - 1, "1024.00 GiB"},
      {uint64_t{1} << 40, "1.00 TiB"},
      {UINT64_MAX, "16777216.00 TiB"},
  };
  for (const auto& [bytes, text] : kAmounts) {
    DeviceStatus device = Bare();
    device.peers = {PeerOf(kOldPeer)};
    device.peers[0].rx_bytes = bytes;
    device.peers[0].tx_bytes = 1;
    EXPECT_NE(Pretty({device}).find("\n  transfer: " + std::string(text) + " received, 1 B sent\n"),
              std::string::npos)
        << Pretty({device});
  }
}

TEST(ShowPretty, PeersWithOneTimeKeepTheirOrder) {
  DeviceStatus device = Bare();
  device.peers = {PeerOf(kSilentPeer), PeerOf(kOldPeer), PeerOf(kFreshPeer)};
  device.peers[1].last_handshake_seconds = kNow - 5;
  device.peers[2].last_handshake_seconds = kNow - 5;
  device.peers[2].last_handshake_nanoseconds = 1;
  device.peers.push_back(PeerOf(kPublicKey));
  const std::string text = Pretty({device});
  const auto at = [&](std::string_view key) { return text.find(key); };
  EXPECT_LT(at(kFreshPeer), at(kOldPeer));
  EXPECT_LT(at(kOldPeer), at(kSilentPeer));
  EXPECT_LT(at(kSilentPeer), at(kPublicKey));
}

// ---- for scripts ----

struct FieldText {
  std::string_view field;
  std::string_view busy;
  std::string_view bare;
};

constexpr FieldText kFieldTexts[] = {
    {"public-key", "6Zyo59q/KycRVj7+dj3FHQFtEu3y6YJ21uv+kQB1EDE=\n", "(none)\n"},
    {"private-key", "aEcGBoXMJRhy4PPdrc9oMWPFcn2fzsaQLPHfdq5mkFU=\n", "(none)\n"},
    {"listen-port", "51820\n", "0\n"},
    {"fwmark", "0xca6c\n", "off\n"},
    {"peers",
     "HR8Kp3xWIt2rNdS3aaCk+Ss7yQqC9cn6h3WS6UK3WE0=\n"
     "t95vF4b11RLCId3ArVVIJoC5Ih9CNbI0VTNuDuEzZyw=\n"
     "kGZzt/CU2MVgq19ffXB2YMDSr6WIhlkdlL1MOeGH700=\n",
     ""},
    {"preshared-keys",
     "HR8Kp3xWIt2rNdS3aaCk+Ss7yQqC9cn6h3WS6UK3WE0=\t(none)\n"
     "t95vF4b11RLCId3ArVVIJoC5Ih9CNbI0VTNuDuEzZyw=\t(none)\n"
     "kGZzt/CU2MVgq19ffXB2YMDSr6WIhlkdlL1MOeGH700=\t"
     "bIuHjMwne5cZivwntataJRKlYjzgU62I/RVCKGud14M=\n",
     ""},
    {"endpoints",
     "HR8Kp3xWIt2rNdS3aaCk+Ss7yQqC9cn6h3WS6UK3WE0=\t(none)\n"
     "t95vF4b11RLCId3ArVVIJoC5Ih9CNbI0VTNuDuEzZyw=\t192.0.2.1:51820\n"
     "kGZzt/CU2MVgq19ffXB2YMDSr6WIhlkdlL1MOeGH700=\t[2001:db8::1]:443\n",
     ""},
    {"allowed-ips",
     "HR8Kp3xWIt2rNdS3aaCk+Ss7yQqC9cn6h3WS6UK3WE0=\t(none)\n"
     "t95vF4b11RLCId3ArVVIJoC5Ih9CNbI0VTNuDuEzZyw=\t10.0.0.0/8 fd00::/64\n"
     "kGZzt/CU2MVgq19ffXB2YMDSr6WIhlkdlL1MOeGH700=\t0.0.0.0/0\n",
     ""},
    {"latest-handshakes",
     "HR8Kp3xWIt2rNdS3aaCk+Ss7yQqC9cn6h3WS6UK3WE0=\t0\n"
     "t95vF4b11RLCId3ArVVIJoC5Ih9CNbI0VTNuDuEzZyw=\t1700493814\n"
     "kGZzt/CU2MVgq19ffXB2YMDSr6WIhlkdlL1MOeGH700=\t1795493753\n",
     ""},
    {"transfer",
     "HR8Kp3xWIt2rNdS3aaCk+Ss7yQqC9cn6h3WS6UK3WE0=\t0\t0\n"
     "t95vF4b11RLCId3ArVVIJoC5Ih9CNbI0VTNuDuEzZyw=\t1023\t1024\n"
     "kGZzt/CU2MVgq19ffXB2YMDSr6WIhlkdlL1MOeGH700=\t123456789\t5000000000000\n",
     ""},
    {"persistent-keepalive",
     "HR8Kp3xWIt2rNdS3aaCk+Ss7yQqC9cn6h3WS6UK3WE0=\toff\n"
     "t95vF4b11RLCId3ArVVIJoC5Ih9CNbI0VTNuDuEzZyw=\t25\n"
     "kGZzt/CU2MVgq19ffXB2YMDSr6WIhlkdlL1MOeGH700=\t65535\n",
     ""},
    {"dump",
     "aEcGBoXMJRhy4PPdrc9oMWPFcn2fzsaQLPHfdq5mkFU=\t6Zyo59q/KycRVj7+dj3FHQFtEu3y6YJ21uv+kQB1EDE="
     "\t51820\t0xca6c\n"
     "HR8Kp3xWIt2rNdS3aaCk+Ss7yQqC9cn6h3WS6UK3WE0=\t(none)\t(none)\t(none)\t0\t0\t0\toff\n"
     "t95vF4b11RLCId3ArVVIJoC5Ih9CNbI0VTNuDuEzZyw=\t(none)\t192.0.2.1:51820\t10.0.0.0/8,fd00::/64"
     "\t1700493814\t1023\t1024\t25\n"
     "kGZzt/CU2MVgq19ffXB2YMDSr6WIhlkdlL1MOeGH700=\tbIuHjMwne5cZivwntataJRKlYjzgU62I/RVCKGud14M="
     "\t[2001:db8::1]:443\t0.0.0.0/0\t1795493753\t123456789\t5000000000000\t65535\n",
     "(none)\t(none)\t0\toff\n"},
};

// Each line with the device's name before it.
std::string Named(std::string_view name, std::string_view lines) {
  std::string named;
  while (!lines.empty()) {
    const size_t size = lines.find('\n') + 1;
    named += std::string(name) + '\t' + std::string(lines.substr(0, size));
    lines.remove_prefix(size);
  }
  return named;
}

TEST(ShowField, EveryFieldHasItsText) {
  std::vector<std::string> tested;
  for (const FieldText& text : kFieldTexts) {
    SCOPED_TRACE(text.field);
    tested.emplace_back(text.field);
    EXPECT_EQ(Field({Busy()}, text.field), text.busy);
    EXPECT_EQ(Field({Bare()}, text.field), text.bare);
    EXPECT_EQ(Field({Bare(), Busy()}, text.field, true),
              Named("wg1", text.bare) + Named("wgx", text.busy));
    EXPECT_EQ(Field({}, text.field, true), "");
  }
  EXPECT_EQ(tested, ShowFields());
}

TEST(ShowNames, OneLine) {
  EXPECT_EQ(ShowNames({}), "");
  EXPECT_EQ(ShowNames(std::vector{Bare()}), "wg1\n");
  EXPECT_EQ(ShowNames(std::vector{Busy(), Bare()}), "wgx wg1\n");
}

}  // namespace
}  // namespace cli
