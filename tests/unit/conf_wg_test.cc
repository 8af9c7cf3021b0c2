// SPDX-License-Identifier: MIT OR Apache-2.0
// Two files of a real tunnel, and the decisions of the installed wg(8).
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "wgnet/conf.h"

namespace wgnet {
namespace {

constexpr char kShared[] = "7mCNCZdMKeRz1Zrpl9bFS08jJAdv6/USazRVq7tjznY=";

constexpr std::string_view kServer = R"([Interface]
Address = 10.13.13.1
ListenPort = 51820
PrivateKey = kGZzt/CU2MVgq19ffXB2YMDSr6WIhlkdlL1MOeGH700=
PostUp = iptables -A FORWARD -i %i -j ACCEPT; iptables -A FORWARD -o %i -j ACCEPT; iptables -t nat -A POSTROUTING -o eth+ -j MASQUERADE
PostDown = iptables -D FORWARD -i %i -j ACCEPT; iptables -D FORWARD -o %i -j ACCEPT; iptables -t nat -D POSTROUTING -o eth+ -j MASQUERADE

[Peer]
# peer1
PublicKey = HR8Kp3xWIt2rNdS3aaCk+Ss7yQqC9cn6h3WS6UK3WE0=
PresharedKey = 7mCNCZdMKeRz1Zrpl9bFS08jJAdv6/USazRVq7tjznY=
AllowedIPs = 10.13.13.2/32
)";

constexpr std::string_view kClient = R"([Interface]
Address = 10.13.13.2
PrivateKey = +GLDb5QQOHQ2QKWvuFS/4FiWpnivaxzwlm0QmFJIHV8=
ListenPort = 51820
DNS = 10.13.13.1

[Peer]
PublicKey = t95vF4b11RLCId3ArVVIJoC5Ih9CNbI0VTNuDuEzZyw=
PresharedKey = 7mCNCZdMKeRz1Zrpl9bFS08jJAdv6/USazRVq7tjznY=
Endpoint = 192.168.5.198:51820
AllowedIPs = 0.0.0.0/0
)";

ConfFile MustParse(std::string_view text) {
  auto file = ConfFile::Parse(text, "wg0.conf");
  if (!file) ADD_FAILURE() << file.error();
  return file ? *std::move(file) : *ConfFile::Parse("", "");
}

TEST(ConfRealFilesTest, Server) {
  const ConfFile file = MustParse(kServer);
  const Node want = Node().Add(Interface("wg0")
                                   .Address("10.13.13.1/32")
                                   .ListenPort(51820)
                                   .PrivateKey("kGZzt/CU2MVgq19ffXB2YMDSr6WIhlkdlL1MOeGH700=")
                                   .AddPeer(Peer("HR8Kp3xWIt2rNdS3aaCk+Ss7yQqC9cn6h3WS6UK3WE0=")
                                                .PresharedKey(kShared)
                                                .AllowedIp("10.13.13.2/32")));
  EXPECT_TRUE(*file.ToNode("wg0") == want);
  EXPECT_TRUE(want.Check().ok());
  EXPECT_EQ(file.ToString(), kServer);
  EXPECT_EQ(file.dns(), ConfFile::Dns());
  EXPECT_TRUE(file.warnings().empty());
  EXPECT_FALSE(file.save_config());
  ASSERT_EQ(file.hooks().size(), 2u);
  EXPECT_EQ(file.hooks()[0].phase, ConfFile::HookPhase::kPostUp);
  EXPECT_EQ(file.hooks()[0].line, 5);
  EXPECT_EQ(file.hooks()[0].command,
            "iptables -A FORWARD -i %i -j ACCEPT; iptables -A FORWARD -o %i -j ACCEPT; "
            "iptables -t nat -A POSTROUTING -o eth+ -j MASQUERADE");
  EXPECT_EQ(file.hooks()[1].phase, ConfFile::HookPhase::kPostDown);
  EXPECT_EQ(file.hooks()[1].line, 6);
  EXPECT_EQ(file.sections()[1].lines[1].comment, "# peer1");
}

TEST(ConfRealFilesTest, Client) {
  const ConfFile file = MustParse(kClient);
  Node want = Node().Add(Interface("peer1")
                             .Address("10.13.13.2/32")
                             .ListenPort(51820)
                             .PrivateKey("+GLDb5QQOHQ2QKWvuFS/4FiWpnivaxzwlm0QmFJIHV8=")
                             .AddPeer(Peer("t95vF4b11RLCId3ArVVIJoC5Ih9CNbI0VTNuDuEzZyw=")
                                          .PresharedKey(kShared)
                                          .Endpoint("192.168.5.198:51820")
                                          .AllowedIp("0.0.0.0/0")));
  want.Add(Dns("peer1").Server("10.13.13.1"));
  EXPECT_TRUE(*file.ToNode("peer1") == want);
  EXPECT_TRUE(want.Check().ok());
  EXPECT_EQ(file.ToString(), kClient);
  ASSERT_EQ(file.dns().servers.size(), 1u);
  EXPECT_EQ(file.dns().servers[0].value, *IpAddress::Parse("10.13.13.1"));
  EXPECT_EQ(file.dns().servers[0].place, (ConfFile::Place{5, 7}));
  EXPECT_TRUE(file.hooks().empty());
  EXPECT_TRUE(file.warnings().empty());
}

TEST(ConfRealFilesTest, EachKnowsTheOthersKey) {
  const Node server = *MustParse(kServer).ToNode("wg0");
  const Node client = *MustParse(kClient).ToNode("peer1");
  const Interface& wg0 = server.interfaces()[0];
  const Interface& peer1 = client.interfaces()[0];
  EXPECT_EQ(wg0.private_key()->Public(), peer1.peers()[0].public_key());
  EXPECT_EQ(peer1.private_key()->Public(), wg0.peers()[0].public_key());
}

// `wg setconf` reads the whole file before it looks for the interface, so its verdict on a file
// needs neither a device nor rights.
class InstalledWg {
 public:
  InstalledWg() {
    std::string pattern = (std::filesystem::temp_directory_path() / "wgnet-wg-XXXXXX").string();
    if (mkdtemp(pattern.data()) != nullptr) directory_ = pattern;
  }
  ~InstalledWg() { std::filesystem::remove_all(directory_); }

  static bool exists() { return system("command -v wg >/dev/null 2>&1") == 0; }

  bool Accepts(std::string_view text) const {
    const std::string path = directory_ / "wg0.conf";
    std::ofstream(path, std::ios::binary) << text;
    const std::string command =
        "LC_ALL=C WG_ENDPOINT_RESOLUTION_RETRIES=0 wg setconf wgnet-absent " + path + " 2>&1";
    FILE* output = popen(command.c_str(), "r");
    std::string said;
    for (int c = fgetc(output); c != EOF; c = fgetc(output)) said += static_cast<char>(c);
    pclose(output);
    const bool refused = said.find("Configuration parsing error") != said.npos ||
                         said.find("Invalid configuration") != said.npos;
    EXPECT_NE(refused, said.find("Unable to modify interface") != said.npos) << said;
    return !refused;
  }

 private:
  std::filesystem::path directory_;
};

constexpr std::string_view kPeer =
    "[Peer]\nPublicKey = t95vF4b11RLCId3ArVVIJoC5Ih9CNbI0VTNuDuEzZyw=\n";

constexpr std::string_view kInterfaceLines[] = {
    "",
    "#",
    "ListenPort = 1",
    "ListenPort = 65535",
    "ListenPort = 00001",
    "ListenPort=",
    "ListenPort = 0x1",
    "ListenPort = 1 2",
    "ListenPort = domain",
    "ListenPort = Domain",
    "ListenPort = -1",
    "ListenPort 1",
    "Listen Port = 1",
    "listenport=1#",
    "=1",
    "Foo = 1",
    "FwMark = off",
    "FwMark = oFF",
    "FwMark = of f",
    "FwMark = 0x",
    "FwMark = 0xffffffff",
    "FwMark = 0xFFffFFff",
    "FwMark = 0X1",
    "FwMark = 0x100000000",
    "FwMark = 4294967296",
    "FwMark = 010",
    "FwMark = 08",
    "FwMark = -1",
    "FwMark = +1",
    "FwMark = 1x",
    "FwMark =",
    "FwMark = 99999999999999999999999",
    "PrivateKey = x",
    "PrivateKey =",
    "[Interface]",
    "[ interface ]",
    "[Interface",
    "[Interface]x",
    "[Interfaces]",
    "MTU = 1420",
    "PostUp = true",
    "Address = 10.0.0.1",
    "PublicKey = t95vF4b11RLCId3ArVVIJoC5Ih9CNbI0VTNuDuEzZyw=",
    "PrivateKey = kGZzt/CU2MVgq19ffXB2YMDSr6WIhlkdlL1MOeGH700=",
    "PrivateKey = kGZzt/CU2MVgq19ffXB2YMDSr6WIhlkdlL1MOeGH701=",
    "PrivateKey = kGZzt/CU2MVgq19ffXB2YMDSr6WIhlkdlL1MOeGH700",
    "PrivateKey = kGZzt/CU2MVgq19ffXB2YMDSr6WIhlkdlL1MOeGH700==",
    "PrivateKey = kGZzt_CU2MVgq19ffXB2YMDSr6WIhlkdlL1MOeGH700=",
    "PrivateKey = kGZzt/CU2 MVgq19ffXB2YMDSr6WIhlkdlL1MOeGH700 =",
    "PrivateKey = AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    "[Peer]",
    "\xef\xbb\xbf",
};

constexpr std::string_view kPeerLines[] = {
    "",
    "[Peer]",
    "[PEER]",
    "[Interface]",
    "ListenPort = 1",
    "PublicKey = x",
    "PresharedKey = x",
    "PresharedKey = 7mCNCZdMKeRz1Zrpl9bFS08jJAdv6/USazRVq7tjznY=",
    "AllowedIPs =",
    "AllowedIPs = 10.0.0.0/8",
    "AllowedIPs = 10.0.0.1/8",
    "AllowedIPs = 10.0.0.0/08",
    "AllowedIPs = 10.0.0.0/33",
    "AllowedIPs = 10.0.0.0/",
    "AllowedIPs = 10.0.0.0/x",
    "AllowedIPs = 10.0.0.0/+8",
    "AllowedIPs = 10.0.0.0/8x",
    "AllowedIPs = 10.0.0.0/8/8",
    "AllowedIPs = 10.0.0.0/4294967304",
    "AllowedIPs = 10.0.0.0/255.0.0.0",
    "AllowedIPs = 10.0.0",
    "AllowedIPs = 010.0.0.0/8",
    "AllowedIPs = 10.0.0.0/8,",
    "AllowedIPs = ,10.0.0.0/8",
    "AllowedIPs = 10.0.0.0/8 , ::/0",
    "AllowedIPs = 10.0.0.0/8 ::/0",
    "AllowedIPs = ::/129",
    "AllowedIPs = ::ffff:1.2.3.4",
    "AllowedIPs = fe80::1%lo",
    "Allowed IPs = ::",
    "AllowedIP = ::",
    "Endpoint = 192.0.2.1:1",
    "Endpoint = 192.0.2.1",
    "Endpoint = 192.0.2.1:",
    "Endpoint = :1",
    "Endpoint = [fd00::1]:1",
    "Endpoint = fd00::1:1",
    "Endpoint = [fd00::1]",
    "Endpoint = []:1",
    "Endpoint = [fd00::1]1",
    "Endpoint = [fd00::1:1",
    "Endpoint = [192.0.2.1]:1",
    "Endpoint = 192.0.2.1:domain",
    "Endpoint = 192.0.2.1 : 1",
    "Endpoint = fd00::1]:1",
    "Endpoint =",
    "PersistentKeepalive = 25",
    "PersistentKeepalive = off",
    "PersistentKeepalive = OFF",
    "PersistentKeepalive = 0",
    "PersistentKeepalive = 65535",
    "PersistentKeepalive = 65536",
    "PersistentKeepalive = 025",
    "PersistentKeepalive = 0x19",
    "PersistentKeepalive = 25s",
    "PersistentKeepalive = -1",
    "PersistentKeepalive =",
};

void ExpectSameVerdict(const InstalledWg& wg, const std::string& text) {
  EXPECT_EQ(ConfFile::Parse(text, "wg0.conf", ConfFile::Grammar::kWg).ok(), wg.Accepts(text))
      << ::testing::PrintToString(text);
}

TEST(ConfWgTest, AcceptsAndRefusesWhatWgDoes) {
  if (!InstalledWg::exists()) GTEST_SKIP() << "wg(8) is not installed";
  const InstalledWg wg;
  for (const std::string_view line : kInterfaceLines) {
    ExpectSameVerdict(wg, std::string(line) + "\n");
    ExpectSameVerdict(wg, "[Interface]\n" + std::string(line) + "\r\n");
  }
  for (const std::string_view line : kPeerLines) {
    ExpectSameVerdict(wg, std::string(kPeer) + std::string(line));
  }
}

}  // namespace
}  // namespace wgnet
