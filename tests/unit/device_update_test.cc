// SPDX-License-Identifier: MIT OR Apache-2.0
#include "wgnet/device_update.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "tests/unit/builder_table.h"

namespace wgnet {
namespace {

constexpr std::string_view kKey = "HR8Kp3xWIt2rNdS3aaCk+Ss7yQqC9cn6h3WS6UK3WE0=";
constexpr std::string_view kPsk = "7mCNCZdMKeRz1Zrpl9bFS08jJAdv6/USazRVq7tjznY=";

PeerUpdate ThePeer() { return PeerUpdate(kKey); }
DeviceUpdate Wg0() { return DeviceUpdate("wg0"); }

std::string Where(std::string_view setter) {
  return "PeerUpdate(\"" + std::string(kKey) + "\")." + std::string(setter);
}

std::string OfWg0(std::string_view setter) {
  return "DeviceUpdate(\"wg0\")." + std::string(setter);
}

TEST(PeerUpdateTest, AMistakeIsReportedWithItsSetter) {
  testing::ExpectMistakes<PeerUpdate>({
      {PeerUpdate(""), "PeerUpdate().PublicKey", "key"},
      {PeerUpdate(kKey.substr(1)), "PeerUpdate().PublicKey", "key"},
      {ThePeer().PresharedKey("x"), Where("PresharedKey"), "key"},
      {ThePeer().Endpoint("192.0.2.1"), Where("Endpoint"), "192.0.2.1"},
      {ThePeer().AllowedIp("10.0.0.0/33"), Where("AllowedIp"), "33"},
      {ThePeer().AllowedIp("+10.0.0.0/8"), Where("AllowedIp"), "+10"},
      {ThePeer().RemoveAllowedIp("x"), Where("RemoveAllowedIp"), "x"},
      {ThePeer().AllowedIps("10.0.0.0/8,"), Where("AllowedIps"), "\"\""},
      {ThePeer().AllowedIps(","), Where("AllowedIps"), "\"\""},
      {ThePeer().AllowedIps("++10.0.0.0/8"), Where("AllowedIps"), "+10"},
      {ThePeer().AllowedIps("-"), Where("AllowedIps"), "\"\""},
      {ThePeer().PersistentKeepalive(-1), Where("PersistentKeepalive"), "-1"},
      {ThePeer().PersistentKeepalive(65536), Where("PersistentKeepalive"), "65536"},
      {ThePeer().PersistentKeepalive("0x10"), Where("PersistentKeepalive"), "0x10"},
      {ThePeer().PersistentKeepalive(""), Where("PersistentKeepalive"), "\"\""},
  });
}

TEST(DeviceUpdateTest, AMistakeIsReportedWithItsSetter) {
  testing::ExpectMistakes<DeviceUpdate>({
      {DeviceUpdate("a/b"), "DeviceUpdate().Interface", "a/b"},
      {Wg0().PrivateKey("x"), OfWg0("PrivateKey"), "key"},
      {Wg0().ListenPort(-1), OfWg0("ListenPort"), "-1"},
      {Wg0().ListenPort("65536"), OfWg0("ListenPort"), "65536"},
      {Wg0().ListenPort("no-such-service"), OfWg0("ListenPort"), "no-such-service"},
      {Wg0().FwMark("0X10"), OfWg0("FwMark"), "0X10"},
      {Wg0().FwMark("4294967296"), OfWg0("FwMark"), "4294967296"},
  });
}

TEST(DeviceUpdateTest, CheckFindsTheFirstMistake) {
  EXPECT_TRUE(Wg0().AddPeer(ThePeer()).Check().ok());
  EXPECT_EQ(DeviceUpdate().Check().error().where, "DeviceUpdate().Interface");
  EXPECT_EQ(Wg0().AddPeer(PeerUpdate()).Check().error().where, "PeerUpdate().PublicKey");
  EXPECT_EQ(Wg0().AddPeer(ThePeer().AllowedIp("x")).Check().error().where, Where("AllowedIp"));
}

TEST(DeviceUpdateTest, AMistakeQuotesNoSecret) {
  const auto device = Wg0().PrivateKey(fmt::format("{}=", kPsk));
  const auto peer = ThePeer().PresharedKey(fmt::format("{}=", kPsk));
  for (const auto& error : {device.error(), peer.error()}) {
    EXPECT_EQ(error->ToString().find(kPsk.substr(0, 8)), std::string::npos);
  }
}

TEST(DeviceUpdateTest, UnsetDiffersFromZero) {
  EXPECT_FALSE(Wg0().PrivateKey(SecretKey()) == Wg0());
  EXPECT_FALSE(Wg0().ListenPort(0) == Wg0());
  EXPECT_FALSE(Wg0().FwMark(0) == Wg0());
  EXPECT_FALSE(Wg0().Unnamed(UnnamedPeers::kRemove) == Wg0());
  EXPECT_FALSE(Wg0().AddPeer(ThePeer()) == Wg0());
  EXPECT_FALSE(ThePeer().Remove() == ThePeer());
  EXPECT_FALSE(ThePeer().PresharedKey(SecretKey()) == ThePeer());
  EXPECT_FALSE(ThePeer().PersistentKeepalive(0) == ThePeer());
  EXPECT_FALSE(ThePeer().AllowedIps("") == ThePeer());
  EXPECT_FALSE(PeerUpdate(PublicKey()) == PeerUpdate());
}

TEST(DeviceUpdateTest, TextIsAsWgTakesIt) {
  EXPECT_EQ(Wg0().FwMark("off"), Wg0().FwMark(0));
  EXPECT_EQ(Wg0().FwMark("0xca6c"), Wg0().FwMark(51820));
  EXPECT_EQ(Wg0().ListenPort("domain"), Wg0().ListenPort(53));
  EXPECT_EQ(ThePeer().PersistentKeepalive("Off"), ThePeer().PersistentKeepalive(0));
  EXPECT_EQ(ThePeer().AllowedIps(" 10.1.2.3/8 , ::/0 "),
            ThePeer().ReplaceAllowedIps().AllowedIp("10.0.0.0/8").AllowedIp("::/0"));
  EXPECT_EQ(ThePeer().AllowedIps("+ 10.0.0.0/8,-::/0,10.0.0.1"),
            ThePeer().AllowedIp("10.0.0.0/8").RemoveAllowedIp("::/0").AllowedIp("10.0.0.1/32"));
}

}  // namespace
}  // namespace wgnet
