// SPDX-License-Identifier: MIT OR Apache-2.0
// SaveConfig edits a file: what is right stays byte for byte.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "wgnet/conf.h"

namespace wgnet {
namespace {

using ::testing::HasSubstr;

constexpr std::string_view kPrivate = "kGZzt/CU2MVgq19ffXB2YMDSr6WIhlkdlL1MOeGH700=";
constexpr std::string_view kAlice = "HR8Kp3xWIt2rNdS3aaCk+Ss7yQqC9cn6h3WS6UK3WE0=";
constexpr std::string_view kBob = "t95vF4b11RLCId3ArVVIJoC5Ih9CNbI0VTNuDuEzZyw=";
constexpr std::string_view kPsk = "7mCNCZdMKeRz1Zrpl9bFS08jJAdv6/USazRVq7tjznY=";

constexpr std::string_view kFile =
    "# the gateway\n"
    "[Interface]\n"
    "Address = 10.0.0.1/24, fd00::1/64  # both\n"
    "ListenPort=51820\n"
    "MTU = 1380\n"
    "PrivateKey = kGZzt/CU2MVgq19ffXB2YMDSr6WIhlkdlL1MOeGH700=\n"
    "DNS = 10.0.0.53, example.org\n"
    "PostUp = echo '%i' # really\n"
    "SaveConfig = true\n"
    "\n"
    "# Alice, on the road\n"
    "[Peer]\n"
    "PublicKey = HR8Kp3xWIt2rNdS3aaCk+Ss7yQqC9cn6h3WS6UK3WE0=\n"
    "AllowedIPs = 10.0.0.2/32\n"
    "Allowed IPs = 10.0.0.3/32, fd00::3/128\n"
    "Endpoint = alice.example.org:51820\n"
    "PersistentKeepalive = 25\n";

SecretKey Key(std::string_view text) { return *SecretKey::Parse(text); }
Prefix IpOf(std::string_view text) { return *Prefix::Parse(text); }

// What the file above says.
DeviceStatus State() {
  DeviceStatus state{.name = "wg0", .private_key = Key(kPrivate), .listen_port = 51820};
  state.private_key = state.private_key.Clamped();
  state.mtu = 1380;
  state.addresses = {IpOf("10.0.0.1/24"), IpOf("fd00::1/64")};
  PeerStatus alice{.public_key = *PublicKey::Parse(kAlice), .persistent_keepalive = 25};
  alice.endpoint = *Endpoint::Parse("192.0.2.7:4000");
  alice.allowed_ips = {IpOf("10.0.0.2/32"), IpOf("10.0.0.3/32"), IpOf("fd00::3/128")};
  state.peers = {alice};
  return state;
}

struct Case {
  std::string what;
  std::function<void(DeviceStatus&)> change;
  std::vector<std::pair<std::string, std::string>> edits;  // of kFile: this becomes that
};

const std::vector<Case>& Cases() {
  static const std::vector<Case> cases = {
      {"nothing", [](DeviceStatus&) {}, {}},
      {"the port", [](DeviceStatus& s) { s.listen_port = 4; }, {{"=51820\nM", "=4\nM"}}},
      {"no port", [](DeviceStatus& s) { s.listen_port = 0; }, {{"ListenPort=51820\n", ""}}},
      {"the mtu", [](DeviceStatus& s) { s.mtu = 1400; }, {{"1380", "1400"}}},
      {"a mark",
       [](DeviceStatus& s) { s.fwmark = 0xca6c; },
       {{"SaveConfig = true\n", "SaveConfig = true\nFwMark = 0xca6c\n"}}},
      {"the private key",
       [](DeviceStatus& s) { s.private_key = Key(kPsk); },
       {{std::string(kPrivate), std::string(kPsk)}}},
      {"no private key",
       [](DeviceStatus& s) { s.private_key = SecretKey(); },
       {{"PrivateKey = " + std::string(kPrivate) + "\n", ""}}},
      {"an address less",
       [](DeviceStatus& s) { s.addresses.pop_back(); },
       {{"10.0.0.1/24, fd00::1/64  # both", "10.0.0.1/24  # both"}}},
      {"another address",
       [](DeviceStatus& s) { s.addresses.push_back(IpOf("10.0.1.1/24")); },
       {{"SaveConfig = true\n", "SaveConfig = true\nAddress = 10.0.1.1/24\n"}}},
      {"no address",
       [](DeviceStatus& s) { s.addresses.clear(); },
       {{"Address = 10.0.0.1/24, fd00::1/64  # both\n", ""}}},
      {"the order of the kernel",
       [](DeviceStatus& s) { std::swap(s.addresses[0], s.addresses[1]); },
       {}},
      {"an allowed IP less",
       [](DeviceStatus& s) { s.peers[0].allowed_ips.erase(s.peers[0].allowed_ips.begin()); },
       {{"AllowedIPs = 10.0.0.2/32\n", ""}}},
      {"another allowed IP",
       [](DeviceStatus& s) { s.peers[0].allowed_ips.push_back(IpOf("10.9.0.0/16")); },
       {{"Keepalive = 25\n", "Keepalive = 25\nAllowedIPs = 10.9.0.0/16\n"}}},
      {"a preshared key",
       [](DeviceStatus& s) { s.peers[0].preshared_key = Key(kPsk); },
       {{"Keepalive = 25\n", "Keepalive = 25\nPresharedKey = " + std::string(kPsk) + "\n"}}},
      {"no keepalive",
       [](DeviceStatus& s) { s.peers[0].persistent_keepalive = 0; },
       {{"PersistentKeepalive = 25\n", ""}}},
      {"no endpoint yet", [](DeviceStatus& s) { s.peers[0].endpoint.reset(); }, {}},
      {"a peer less",
       [](DeviceStatus& s) { s.peers.clear(); },
       {{std::string(kFile.substr(kFile.find("# Alice"))), ""}}},
      {"another peer",
       [](DeviceStatus& s) {
         PeerStatus bob{.public_key = *PublicKey::Parse(kBob), .preshared_key = Key(kPsk)};
         bob.endpoint = *Endpoint::Parse("[2001:db8::1]:7");
         bob.allowed_ips = {IpOf("10.0.0.9/32"), IpOf("10.1.0.0/16")};
         s.peers.push_back(bob);
       },
       {{"Keepalive = 25\n",
         "Keepalive = 25\n\n[Peer]\nPublicKey = " + std::string(kBob) +
             "\nPresharedKey = " + std::string(kPsk) +
             "\nAllowedIPs = 10.0.0.9/32, 10.1.0.0/16\nEndpoint = [2001:db8::1]:7\n"}}},
  };
  return cases;
}

std::string Edited(std::string text, const Case& c) {
  for (const auto& [from, to] : c.edits) {
    const size_t at = text.find(from);
    if (at == text.npos) return "the case edits what is not there: " + from;
    text.replace(at, from.size(), to);
  }
  return text;
}

TEST(ConfSaveTest, OnlyWhatChangedIsEdited) {
  const auto file = ConfFile::Parse(kFile, "wg0.conf");
  ASSERT_TRUE(file.ok()) << file.error();
  for (const Case& c : Cases()) {
    DeviceStatus state = State();
    c.change(state);
    EXPECT_EQ(file->WithState(state), Edited(std::string(kFile), c)) << c.what;
  }
}

// Whatever was saved says just what is there.
TEST(ConfSaveTest, WhatIsSavedIsRight) {
  const auto file = ConfFile::Parse(kFile, "wg0.conf");
  for (const Case& c : Cases()) {
    DeviceStatus state = State();
    c.change(state);
    const std::string saved = file->WithState(state);
    const auto again = ConfFile::Parse(saved, "wg0.conf");
    ASSERT_TRUE(again.ok()) << c.what << ": " << again.error() << "\n" << saved;
    EXPECT_EQ(again->WithState(state), saved) << c.what;
  }
}

TEST(ConfSaveTest, AnAddressOfAnEndpointIsCorrected) {
  const auto file = ConfFile::Parse("[Interface]\n[Peer]\nPublicKey = " + std::string(kAlice) +
                                        "\nEndpoint = 192.0.2.1:1 # home\n",
                                    "wg0.conf");
  DeviceStatus state{.name = "wg0"};
  state.peers = {{.public_key = *PublicKey::Parse(kAlice)}};
  state.peers[0].endpoint = *Endpoint::Parse("192.0.2.1:2");
  EXPECT_THAT(file->WithState(state), HasSubstr("Endpoint = 192.0.2.1:2 # home\n"));
}

TEST(ConfSaveTest, APeerThatStandsTwiceStandsOnceThen) {
  const std::string peer = "[Peer]\nPublicKey = " + std::string(kAlice) + "\n";
  const auto file = ConfFile::Parse("[Interface]\r\n" + peer + "AllowedIPs = 10.1.0.0/16\n" + peer +
                                        "AllowedIPs = 10.2.0.0/16\nPersistentKeepalive = 5",
                                    "wg0.conf");
  ASSERT_TRUE(file.ok()) << file.error();
  DeviceStatus state{.name = "wg0"};
  state.peers = {{.public_key = *PublicKey::Parse(kAlice), .persistent_keepalive = 5}};
  state.peers[0].allowed_ips = {IpOf("10.2.0.0/16")};
  EXPECT_EQ(file->WithState(state),
            "[Interface]\r\n" + peer + "AllowedIPs = 10.2.0.0/16\r\nPersistentKeepalive = 5\r\n");
}

std::string ReadAll(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

TEST(ConfSaveTest, TheFileIsReplacedWithItsModeAndThroughItsLink) {
  std::string directory = ::testing::TempDir() + "wgnet-save-XXXXXX";
  ASSERT_NE(mkdtemp(directory.data()), nullptr);
  const std::string path = directory + "/real.conf";
  const std::string link = directory + "/wg0.conf";
  std::ofstream(path) << kFile;
  chmod(path.c_str(), 0640);
  ASSERT_EQ(symlink("real.conf", link.c_str()), 0);
  const auto file = ConfFile::Read(link);
  ASSERT_TRUE(file.ok()) << file.error();

  struct stat before, after;
  stat(path.c_str(), &before);
  EXPECT_TRUE(file->Save(State(), link).ok());
  stat(path.c_str(), &after);
  EXPECT_EQ(after.st_ino, before.st_ino) << "nothing changed";

  DeviceStatus state = State();
  state.listen_port = 4;
  EXPECT_TRUE(file->Save(state, link).ok());
  stat(path.c_str(), &after);
  EXPECT_NE(after.st_ino, before.st_ino);
  EXPECT_EQ(after.st_mode & 07777, 0640u);
  EXPECT_EQ(ReadAll(link), file->WithState(state));
  EXPECT_EQ(lstat(link.c_str(), &after), 0);
  EXPECT_TRUE(S_ISLNK(after.st_mode));

  const auto failed = file->Save(state, directory + "/nowhere.conf");
  EXPECT_EQ(failed.error().code, ErrorCode::kIo);
  for (const std::string& name : {path, link}) unlink(name.c_str());
  EXPECT_EQ(rmdir(directory.c_str()), 0) << "something is left";
}

}  // namespace
}  // namespace wgnet
