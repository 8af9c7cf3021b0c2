// SPDX-License-Identifier: MIT OR Apache-2.0
// The userspace protocol's text: what is written for a SET_DEVICE, and what is read of an answer.
#include "src/wireguard/uapi.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <functional>
#include <string>

#include "src/netlink/codec.h"
#include "tests/support/world.h"

namespace wgnet::wireguard {
namespace {

using kernel::WgDevice;
using kernel::WgPeer;
using netlink::MessageWriter;

const std::string kHex1(64, '1');
const std::string kHexA = "a0" + std::string(62, 'b');

template <class Key>
Key KeyOf(uint8_t byte) {
  uint8_t bytes[Key::kSize];
  std::fill(std::begin(bytes), std::end(bytes), byte);
  return Key(bytes);
}

// ---- writing ----

struct Written {
  int error;
  std::string text;
};

Written Write(const std::function<void(MessageWriter&)>& put) {
  SecretBuffer message;
  uint32_t sequence = 1;
  MessageWriter out(message, sequence);
  out.Begin(0x20, 0, kernel::kSetDevice);
  put(out);
  SecretBuffer text;
  const int error = EncodeSet(message.bytes().subspan(NLMSG_HDRLEN + sizeof(genlmsghdr)), text);
  return {error, std::string(text.text())};
}

template <class Object>
void PutAll(const Object& object, MessageWriter& out) {
  netlink::EncodeAttributes(object, out, [](const auto&) { return true; });
}

void PutPeers(MessageWriter& out, const std::function<void()>& peers) {
  out.Nest(WGDEVICE_A_PEERS, peers);
}

void PutPeer(MessageWriter& out, const WgPeer& peer, uint32_t flags) {
  out.Nest(0, [&] {
    PutAll(peer, out);
    if (flags != 0) out.Put(WGPEER_A_FLAGS, flags);
  });
}

TEST(UapiSet, SaysADeviceInTheKernelsOrder) {
  WgDevice device;
  device.dev = kernel::LinkRef{7, {}};
  device.private_key = KeyOf<SecretKey>(0x11);
  device.listen_port = 51820;
  device.fwmark = 0xca6c;
  const Written written = Write([&](MessageWriter& out) {
    PutAll(device, out);
    out.Put(WGDEVICE_A_FLAGS, uint32_t{WGDEVICE_F_REPLACE_PEERS});
  });
  EXPECT_EQ(written.error, 0);
  EXPECT_EQ(
      written.text,
      "set=1\nreplace_peers=true\nfwmark=51820\nlisten_port=51820\nprivate_key=" + kHex1 + "\n\n")
      << "51820 is 0xca6c";
}

TEST(UapiSet, SaysPeersWithEveryFlagAndValue) {
  WgPeer full;
  full.public_key = KeyOf<PublicKey>(0x22);
  full.preshared_key = KeyOf<SecretKey>(0x11);
  full.endpoint = kernel::SocketAddress{*IpAddress::Parse("fe80::1"), 99, 3};
  full.keepalive = 25;
  full.allowed_ips = {{*Prefix::Parse("10.0.0.0/8"), *Prefix::Parse("fd00::/64")}};
  WgPeer gone;
  gone.public_key = KeyOf<PublicKey>(0x33);
  WgPeer plain;
  plain.public_key = KeyOf<PublicKey>(0x44);
  plain.endpoint = kernel::SocketAddress{*IpAddress::Parse("192.0.2.1"), 1, 0};
  const Written written = Write([&](MessageWriter& out) {
    PutPeers(out, [&] {
      PutPeer(out, full, WGPEER_F_REPLACE_ALLOWEDIPS | WGPEER_F_UPDATE_ONLY);
      PutPeer(out, gone, WGPEER_F_REMOVE_ME);
      PutPeer(out, plain, 0);
    });
  });
  EXPECT_EQ(written.error, 0);
  EXPECT_EQ(written.text,
            "set=1\npublic_key=" + std::string(64, '2') +
                "\nupdate_only=true\nreplace_allowed_ips=true\npreshared_key=" + kHex1 +
                "\nendpoint=[fe80::1%3]:99\npersistent_keepalive_interval=25\n"
                "allowed_ip=10.0.0.0/8\nallowed_ip=fd00::/64\npublic_key=" +
                std::string(64, '3') + "\nremove=true\npublic_key=" + std::string(64, '4') +
                "\nendpoint=192.0.2.1:1\n\n");
}

TEST(UapiSet, RefusesWhatItCannotSay) {
  WgPeer peer;
  peer.public_key = KeyOf<PublicKey>(0x22);
  const struct {
    int error;
    std::function<void(MessageWriter&)> put;
  } kCases[] = {
      {EOPNOTSUPP, [](auto& out) { out.Put(WGDEVICE_A_FLAGS, uint32_t{1u << 31}); }},
      {EOPNOTSUPP, [&](auto& out) { PutPeers(out, [&] { PutPeer(out, peer, 1u << 31); }); }},
      {EINVAL, [](auto& out) { out.Put(WGDEVICE_A_FLAGS, uint8_t{1}); }},
      {EINVAL, [](auto& out) { out.Put(WGDEVICE_A_LISTEN_PORT, uint32_t{1}); }},
      {EINVAL, [](auto& out) { out.Put(WGDEVICE_A_PRIVATE_KEY, "short", 5); }},
      {EINVAL, [](auto& out) { PutPeers(out, [&] { PutPeer(out, {}, 0); }); }},
      {EINVAL, [](auto& out) { out.Put(WGDEVICE_A_PEERS, "\xff\xff\0\0", 4); }},
  };
  for (const auto& each : kCases) EXPECT_EQ(Write(each.put).error, each.error);
}

// ---- reading ----

struct Read {
  int error = 0;
  std::string text;
};

template <class Object>
std::string JsonOf(const Object& object) {
  JsonWriter out(false);
  out.Object([&] { netlink::WriteJsonMembers(object, Secrets::kReveal, out); });
  return out.text();
}

Read ReadGet(std::string_view answer) {
  Read read;
  read.error = ReadGetAnswer(
      answer, [&](const WgDevice& device) { read.text += JsonOf(device) + "\n"; },
      [&](const WgPeer& peer) { read.text += JsonOf(peer) + "\n"; });
  return read;
}

TEST(UapiGet, ReadsAnEmptyDevice) {
  const Read read = ReadGet("errno=0\n\n");
  EXPECT_EQ(read.error, 0);
  EXPECT_EQ(read.text, "{\"listen_port\":0,\"fwmark\":\"0x0\"}\n");
  EXPECT_EQ(ReadGet("private_key=" + std::string(64, '0') + "\nerrno=0\n\n").text, read.text)
      << "a zero key is none";
}

TEST(UapiGet, ReadsADeviceAndPeersInEitherOrderOfLines) {
  const std::string first = "public_key=" + kHexA + "\npreshared_key=" + kHex1 +
                            "\nprotocol_version=1\nendpoint=[2001:db8::1%7]:51820\n"
                            "last_handshake_time_sec=12\nlast_handshake_time_nsec=34\ntx_bytes=5\n"
                            "rx_bytes=6\npersistent_keepalive_interval=25\n";
  const std::string ips = "allowed_ip=10.1.2.3/8\nallowed_ip=::/0\n";
  const std::string start = "private_key=" + kHex1 + "\nlisten_port=51820\nfwmark=4\n";
  const std::string second = "public_key=" + kHex1 + "\n";
  const Read read = ReadGet(start + first + ips + second + "errno=0\n\n");
  EXPECT_EQ(read.error, 0);
  const std::string key = KeyOf<SecretKey>(0x11).Reveal();
  EXPECT_NE(read.text.find("\"private_key\":\"" + key + "\""), std::string::npos);
  EXPECT_NE(read.text.find("\"public_key\":\"" + KeyOf<SecretKey>(0x11).Public().ToString() + "\""),
            std::string::npos)
      << "of the device";
  EXPECT_NE(read.text.find("\"preshared_key\":\"" + key + "\""), std::string::npos);
  EXPECT_NE(read.text.find("\"endpoint\":\"[2001:db8::1%7]:51820\",\"persistent_keepalive\":25,"
                           "\"allowed_ips\":[\"10.0.0.0/8\",\"::/0\"],"
                           "\"last_handshake\":\"12.000000034\",\"rx_bytes\":6,\"tx_bytes\":5"),
            std::string::npos)
      << read.text;
  EXPECT_EQ(std::count(read.text.begin(), read.text.end(), '\n'), 3);
  const size_t head = first.find('\n') + 1;
  EXPECT_EQ(
      ReadGet(start + first.substr(0, head) + ips + first.substr(head) + second + "errno=0\n\n")
          .text,
      read.text);
}

TEST(UapiGet, PassesOverKeysOfLaterVersions) {
  EXPECT_EQ(ReadGet("color=red\npublic_key=" + kHex1 + "\nshape=\nerrno=0\n\n").error, 0);
}

TEST(UapiGet, RefusesWhatIsMalformed) {
  const std::string peer = "public_key=" + kHex1 + "\n";
  const std::string wrong[] = {
      "",
      "\n",
      "\n\n",
      "errno=0",
      "errno=0\n",
      "errno=\n\n",
      "errno=--1\n\n",
      "errno=1x\n\n",
      "errno=99999999999999999999\n\n",
      "errno=0\nlisten_port=1\n\n",
      "errno=0\n\nerrno=0\n\n",
      "listen_port=1\n\n",
      "listen_port=\nerrno=0\n\n",
      "listen_port=65536\nerrno=0\n\n",
      "listen_port=-1\nerrno=0\n\n",
      "listen_port=0x1\nerrno=0\n\n",
      "fwmark=4294967296\nerrno=0\n\n",
      "nothing\nerrno=0\n\n",
      "=1\nerrno=0\n\n",
      "\nerrno=0\n\n",
      "private_key=" + kHex1 + "1\nerrno=0\n\n",
      "private_key=" + kHex1.substr(1) + "\nerrno=0\n\n",
      "private_key=" + std::string(63, '1') + "g\nerrno=0\n\n",
      "private_key=" + std::string(63, '1') + " \nerrno=0\n\n",
      "public_key=\nerrno=0\n\n",
      "public_key=x\nerrno=0\n\n",
      peer + "allowed_ip=10.0.0.0\nerrno=0\n\n",
      peer + "allowed_ip=10.0.0.0/33\nerrno=0\n\n",
      peer + "allowed_ip=-10.0.0.0/8\nerrno=0\n\n",
      peer + "endpoint=10.0.0.1\nerrno=0\n\n",
      peer + "endpoint=[10.0.0.1]:1\nerrno=0\n\n",
      peer + "endpoint=::1:1\nerrno=0\n\n",
      peer + "endpoint=[::1%eth0]:1\nerrno=0\n\n",
      peer + "endpoint=host:1\nerrno=0\n\n",
      peer + "endpoint=10.0.0.1:65536\nerrno=0\n\n",
      peer + "last_handshake_time_sec=9223372036854775808\nerrno=0\n\n",
      peer + "last_handshake_time_sec=-1\nerrno=0\n\n",
      peer + "rx_bytes=18446744073709551616\nerrno=0\n\n",
      peer + "persistent_keepalive_interval=off\nerrno=0\n\n",
      std::string("listen_port=1\0\nerrno=0\n\n", 24),
  };
  for (const std::string& answer : wrong) EXPECT_EQ(ReadGet(answer).error, EBADMSG) << answer;
}

TEST(UapiGet, HandsOnTheProgramsErrno) {
  EXPECT_EQ(ReadGet("errno=-5\n\n").error, EIO);
  EXPECT_EQ(ReadGet("errno=5\n\n").error, EIO);
}

TEST(UapiSet, ReadsItsAnswer) {
  const struct {
    std::string answer;
    int error;
  } kCases[] = {{"errno=0\n\n", 0},         {"errno=-98\n\n", EADDRINUSE}, {"errno=22\n\n", EINVAL},
                {"errno=-55\n\n", EIO},     {"errno=-4096\n\n", EBADMSG},  {"", EBADMSG},
                {"errno=0\n", EBADMSG},     {"errno=0\na=b\n\n", EBADMSG}, {"a=b\n\n", EBADMSG},
                {"errno=zero\n\n", EBADMSG}};
  for (const auto& each : kCases) EXPECT_EQ(ReadSetAnswer(each.answer), each.error) << each.answer;
}

}  // namespace
}  // namespace wgnet::wireguard
