// SPDX-License-Identifier: MIT OR Apache-2.0
#include "wgnet/peer.h"

#include <fmt/format.h>

#include "tests/unit/builder_table.h"

namespace wgnet {
namespace {

constexpr std::string_view kKey = "HR8Kp3xWIt2rNdS3aaCk+Ss7yQqC9cn6h3WS6UK3WE0=";
constexpr std::string_view kOther = "t95vF4b11RLCId3ArVVIJoC5Ih9CNbI0VTNuDuEzZyw=";
constexpr std::string_view kPsk = "7mCNCZdMKeRz1Zrpl9bFS08jJAdv6/USazRVq7tjznY=";

Peer ThePeer() { return Peer(kKey); }

std::string Where(std::string_view setter) {
  return "Peer(\"" + std::string(kKey) + "\")." + std::string(setter);
}

TEST(PeerTest, AMistakeIsReportedWithItsSetter) {
  testing::ExpectMistakes<Peer>({
      {Peer(""), "Peer().PublicKey", "key"},
      {Peer(kKey.substr(1)), "Peer().PublicKey", "key"},
      {Peer("HR8Kp3xWIt2rNdS3aaCk+Ss7yQqC9cn6h3WS6UK3WE1="), "Peer().PublicKey", "key"},
      {ThePeer().PublicKey("x"), Where("PublicKey"), "key"},
      {ThePeer().PresharedKey("x"), Where("PresharedKey"), "key"},
      {ThePeer().Endpoint("192.0.2.1"), Where("Endpoint"), "192.0.2.1"},
      {ThePeer().Endpoint(":51820"), Where("Endpoint"), ":51820"},
      {ThePeer().Endpoint("[::1]51820"), Where("Endpoint"), "[::1]51820"},
      {ThePeer().Endpoint("host:65536"), Where("Endpoint"), "65536"},
      {ThePeer().AllowedIp("10.0.0.0/8,"), Where("AllowedIp"), "8,"},
      {ThePeer().AllowedIp("fd00::/129"), Where("AllowedIp"), "129"},
      {ThePeer().AllowedIp(""), Where("AllowedIp"), "\"\""},
      {ThePeer().PersistentKeepalive(-1), Where("PersistentKeepalive"), "-1"},
      {ThePeer().PersistentKeepalive(65536), Where("PersistentKeepalive"), "65536"},
      {Peer().PersistentKeepalive(-1), "Peer().PersistentKeepalive", "-1"},
  });
}

TEST(PeerTest, TheFirstMistakeStaysAndLaterSettersStillCount) {
  const Peer peer = ThePeer().AllowedIp("x").Endpoint("y").AllowedIp("10.0.0.0/8");
  ASSERT_TRUE(peer.error());
  EXPECT_EQ(peer.error()->where, Where("AllowedIp"));
  EXPECT_EQ(peer.allowed_ips(), std::vector{*Prefix::Parse("10.0.0.0/8")});
  EXPECT_EQ(peer.endpoint(), std::nullopt);
}

TEST(PeerTest, AMistakeDoesNotQuoteAPresharedKey) {
  const Peer peer = ThePeer().PresharedKey(fmt::format("{}=", kPsk));
  ASSERT_TRUE(peer.error());
  EXPECT_EQ(peer.error()->ToString().find(kPsk.substr(0, 8)), std::string::npos);
}

TEST(PeerTest, UnsetDiffersFromZero) {
  EXPECT_EQ(ThePeer().preshared_key(), std::nullopt);
  EXPECT_EQ(ThePeer().persistent_keepalive(), std::nullopt);
  EXPECT_EQ(ThePeer().PresharedKey(SecretKey()).preshared_key(), SecretKey());
  EXPECT_EQ(ThePeer().PersistentKeepalive(0).persistent_keepalive(), 0);
  EXPECT_FALSE(ThePeer().PersistentKeepalive(0) == ThePeer());
  EXPECT_FALSE(ThePeer().PresharedKey(SecretKey()) == ThePeer());
}

TEST(PeerTest, TheEndsOfEveryRangeAreTaken) {
  EXPECT_EQ(ThePeer().PersistentKeepalive(65535).persistent_keepalive(), 65535);
  EXPECT_EQ(ThePeer().Endpoint("h:65535").endpoint()->port(), 65535);
  EXPECT_EQ(ThePeer().Endpoint("h:0").endpoint()->port(), 0);
  EXPECT_EQ(ThePeer().AllowedIp("::/0").AllowedIp("0.0.0.0/0").allowed_ips().size(), 2u);
}

TEST(PeerTest, EveryOptionCompares) {
  testing::ExpectEveryOptionCompares<Peer>(
      ThePeer(), {
                     {"public_key", Peer(kOther)},
                     {"preshared_key", ThePeer().PresharedKey(kPsk)},
                     {"endpoint", ThePeer().Endpoint("192.0.2.1:1")},
                     {"allowed_ips", ThePeer().AllowedIp("10.0.0.0/8")},
                     {"persistent_keepalive", ThePeer().PersistentKeepalive(25)},
                 });
}

TEST(PeerTest, HostBitsOfAnAllowedIpAreCleared) {
  EXPECT_EQ(ThePeer().AllowedIp("10.1.2.3/8"), ThePeer().AllowedIp("10.0.0.0/8"));
  EXPECT_EQ(ThePeer().AllowedIp(*Prefix::Parse("fd00::1/64")), ThePeer().AllowedIp("fd00::/64"));
}

}  // namespace
}  // namespace wgnet
