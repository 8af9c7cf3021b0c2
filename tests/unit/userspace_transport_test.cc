// SPDX-License-Identifier: MIT OR Apache-2.0
// What netlink says of a link that a program serves, in the program's words and back; the kernel
// and the program are fakes.
#include "src/wireguard/userspace_transport.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <linux/genetlink.h>
#include <linux/if_link.h>
#include <sys/stat.h>

#include <map>

#include "src/kernel/wg_peer.h"
#include "src/netlink/codec.h"
#include "src/netlink/generic_family.h"
#include "tests/support/fake_uapi.h"
#include "tests/support/netlink_only_transport.h"
#include "tests/support/sandbox.h"

namespace wgnet::wireguard {
namespace {

using kernel::WgDevice;
using kernel::WgPeer;
using netlink::Bus;
using netlink::Bytes;
using netlink::Message;
using netlink::MessageWriter;

struct FakeLink {
  std::string name;
  std::string kind;
  uint32_t group = 0;
};

// Has links, and no WireGuard unless it is told.
class FakeKernel final : public testing::NetlinkOnlyTransport {
 public:
  std::map<uint32_t, FakeLink> links;
  uint16_t family = 0;
  std::vector<uint16_t> sent;  // types of the messages that came through

  int Send(Bus bus, std::span<const iovec> parts) override {
    for (const iovec& part : parts) {
      const Bytes bytes(static_cast<const std::byte*>(part.iov_base), part.iov_len);
      netlink::ForEachMessage(bytes, [&](const Message& message) {
        sent.push_back(message.header.nlmsg_type);
        bus == Bus::kRoute ? AnswerRoute(message) : AnswerGeneric(message);
        return true;
      });
    }
    return 0;
  }
  ssize_t Receive(Bus bus, std::span<std::byte> buffer) override {
    return replies_[static_cast<size_t>(bus)].Receive(buffer);
  }

 private:
  void AnswerRoute(const Message& message) {
    auto& replies = replies_[static_cast<size_t>(Bus::kRoute)];
    ifinfomsg header;
    Bytes attributes;
    message.Split(header, attributes);
    const auto found = links.find(static_cast<uint32_t>(header.ifi_index));
    const bool dump = (message.header.nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
    if (message.header.nlmsg_type != RTM_GETLINK) return replies.Answer(message.header, 0);
    if (!dump && found == links.end()) return replies.Answer(message.header, ENODEV);
    for (const auto& [index, link] : links) {
      if (dump || index == found->first) WriteLink(message.header, index, link, replies);
    }
    if (dump) replies.Done(message.header);
  }

  static void WriteLink(const nlmsghdr& request, uint32_t index, const FakeLink& link,
                        netlink::ReplyQueue& replies) {
    replies.Write(request, [&](MessageWriter& out) {
      ifinfomsg header{};
      header.ifi_index = static_cast<int>(index);
      out.Begin(RTM_NEWLINK, 0, header);
      out.PutString(IFLA_IFNAME, link.name);
      out.Nest(IFLA_LINKINFO, [&] {
        out.PutString(IFLA_INFO_KIND, link.kind);
        out.Nest(IFLA_INFO_DATA, [&] {
          for (const uint16_t type : {1, 2, 3}) out.Put(type, uint32_t{9});
        });
      });
      out.Put(IFLA_GROUP, link.group);
    });
  }

  void AnswerGeneric(const Message& message) {
    auto& replies = replies_[static_cast<size_t>(Bus::kGeneric)];
    if (message.header.nlmsg_type != GENL_ID_CTRL || family == 0) {
      return replies.Answer(message.header, ENOENT);
    }
    replies.Write(message.header, [&](MessageWriter& out) {
      out.Begin(GENL_ID_CTRL, 0, genlmsghdr{CTRL_CMD_NEWFAMILY, 2, 0});
      out.Put(CTRL_ATTR_FAMILY_ID, family);
    });
  }

  netlink::ReplyQueue replies_[netlink::kNetlinkBuses];
};

const std::string kKey(64, '1');

class UserspaceTransportTest : public ::testing::Test {
 protected:
  UserspaceTransportTest() {
    kernel_->links = {{7, {"wg0", "tun", 0}}, {8, {"tun0", "tun", 0}}, {9, {"eth0", "veth", 0}}};
    chmod(directory_.path().c_str(), 0700);
  }

  uint16_t Family() {
    uint16_t family = 0;
    SecretBuffer request;
    error_ = netlink::ReadGenericFamily(WG_GENL_NAME, client_, request, family).error_number;
    return family;
  }

  // The kinds of links in a dump.
  std::string Kinds() {
    SecretBuffer request;
    MessageWriter out(request, client_.sequence());
    out.Begin(RTM_GETLINK, NLM_F_DUMP, ifinfomsg{});
    std::string kinds;
    client_.Read(Bus::kRoute, request.bytes(), [&](const Message& message) {
      kernel::Link link;
      const bool sound = netlink::DecodeMessage(message, netlink::ExtraMode::kDrop, link);
      kinds += fmt::format("{}={} ", link.name->view(), link.kind->view());
      return sound;
    });
    return kinds;
  }

  // A dump of a device: its port, and its peers with the number of their allowed IPs.
  std::string Dump(uint32_t link) {
    SecretBuffer request;
    WgDevice wanted;
    wanted.dev = kernel::LinkRef{link, {}};
    MessageWriter out(request, client_.sequence());
    out.Begin(family_, NLM_F_DUMP, kernel::kGetDevice);
    netlink::EncodeAttributes(wanted, out, [](const auto&) { return true; });
    std::string text;
    kernel::DeviceDump dump;
    dump.Begin([&](const WgDevice& device) { text += fmt::format("{}", *device.listen_port); },
               [&](WgPeer& peer) {
                 text +=
                     fmt::format(" {}+{}", peer.keepalive.value_or(99), peer.allowed_ips->size());
               });
    const auto outcome = client_.Read(Bus::kGeneric, request.bytes(),
                                      [&](const Message& message) { return dump.Feed(message); });
    error_ = outcome.error_number;
    text_ = outcome.error.text.str();
    dump.Finish();
    return text;
  }

  int Set(uint32_t link) {
    SecretBuffer request;
    WgDevice device;
    device.dev = kernel::LinkRef{link, {}};
    device.fwmark = 5;
    MessageWriter out(request, client_.sequence());
    out.Begin(family_, 0, kernel::kSetDevice);
    netlink::EncodeAttributes(device, out, [](const auto&) { return true; });
    const iovec part{request.data(), request.size()};
    int error = 0;
    const auto outcome = client_.Change(Bus::kGeneric, {&part, 1}, out.message(),
                                        [&](const netlink::KernelError& answered) {
                                          error = answered.error_number;
                                          text_ = answered.text.str();
                                        });
    EXPECT_TRUE(outcome.acknowledged);
    return error;
  }

  testing::TemporaryDirectory directory_;
  netlink::NetworkNamespace here_ = *netlink::NetworkNamespace::Open("");
  FakeKernel* kernel_ = new FakeKernel;
  UserspaceTransport transport_{std::unique_ptr<netlink::Transport>(kernel_), here_,
                                "no-such-program",
                                SocketDirectory(directory_.path(), std::chrono::seconds(2))};
  netlink::Client client_{transport_};
  uint16_t family_ = 0;
  int error_ = 0;
  std::string text_;
};

TEST_F(UserspaceTransportTest, KnowsNoFamilyWithoutAProgramOrASocket) {
  EXPECT_EQ(Family(), 0);
  EXPECT_EQ(error_, ENOENT);
  EXPECT_EQ(Kinds(), "wg0=tun tun0=tun eth0=veth ");
}

TEST_F(UserspaceTransportTest, HandsOnEverythingWhereTheKernelHasAll) {
  kernel_->family = 33;
  EXPECT_EQ(family_ = Family(), 33);
  EXPECT_EQ(Set(9), ENOENT) << "as the fake kernel says";
  EXPECT_EQ(kernel_->sent.back(), 33);
}

TEST_F(UserspaceTransportTest, ShowsLinksThatAreServed) {
  const testing::FakeUapi program(directory_.path(), "wg0");
  EXPECT_EQ(Kinds(), "wg0=wireguard tun0=tun eth0=veth ");
  kernel_->links[8].group = kernel::kLinkGroup;
  EXPECT_EQ(Kinds(), "wg0=wireguard tun0=wireguard eth0=veth ") << "one of ours";
}

TEST_F(UserspaceTransportTest, TurnsAnswersIntoADump) {
  testing::FakeUapi program(directory_.path(), "wg0");
  ASSERT_NE(family_ = Family(), 0);
  std::string answer = "listen_port=51820\nprivate_key=" + kKey + "\npublic_key=" + kKey +
                       "\npersistent_keepalive_interval=25\n";
  for (int i = 0; i < 2000; ++i) {
    answer += fmt::format("allowed_ip=fd00::{:x}/128\n", i);
  }
  answer += "public_key=" + std::string(64, '2') + "\n";
  program.AnswerGet(answer + "errno=0\n\n");
  EXPECT_EQ(Dump(7), "51820 25+2000 0+0");
  EXPECT_EQ(error_, 0);
  Dump(9);
  EXPECT_EQ(error_, EOPNOTSUPP) << "another kind of link";
  Dump(8);
  EXPECT_EQ(error_, EOPNOTSUPP) << "a tun link of somebody else";
}

TEST_F(UserspaceTransportTest, TakesTheKernelsFamilyWithASocketBesideIt) {
  kernel_->family = 33;
  testing::FakeUapi program(directory_.path(), "wg0");
  EXPECT_EQ(family_ = Family(), 33);
  EXPECT_EQ(Dump(7), "0");
  EXPECT_EQ(error_, 0);
  EXPECT_EQ(Set(7), 0);
  EXPECT_EQ(program.sets().size(), 1u);
  EXPECT_EQ(Set(9), ENOENT) << "from the kernel";
}

TEST_F(UserspaceTransportTest, TurnsBrokenAnswersIntoErrors) {
  testing::FakeUapi program(directory_.path(), "wg0");
  ASSERT_NE(family_ = Family(), 0);
  const struct {
    std::string answer;
    int error;
  } kCases[] = {{"errno=-5\n\n", EIO},
                {"listen_port=x\nerrno=0\n\n", EBADMSG},
                {"\n\n", EBADMSG},
                {"", netlink::kProgramError},
                {"listen_port=1\n", netlink::kProgramError}};
  for (const auto& each : kCases) {
    program.AnswerGet(each.answer);
    Dump(7);
    EXPECT_EQ(error_, each.error) << each.answer;
    EXPECT_NE(text_, "");
  }
}

TEST_F(UserspaceTransportTest, TurnsChangesIntoSets) {
  testing::FakeUapi program(directory_.path(), "wg0");
  ASSERT_NE(family_ = Family(), 0);
  EXPECT_EQ(Set(7), 0);
  EXPECT_EQ(program.sets(), std::vector<std::string>{"set=1\nfwmark=5\n\n"});
  program.AnswerSet("errno=-98\n\n");
  EXPECT_EQ(Set(7), EADDRINUSE);
  program.AnswerSet("errno=22\n\n");
  EXPECT_EQ(Set(7), EINVAL);
  program.AnswerSet("nonsense\n\n");
  EXPECT_EQ(Set(7), EBADMSG);
  program.AnswerSet("");
  EXPECT_EQ(Set(7), netlink::kProgramError);
  EXPECT_EQ(text_, "the program that serves wg0 has ended");
  EXPECT_EQ(Set(9), EOPNOTSUPP);
}

TEST_F(UserspaceTransportTest, HasNoDeviceOfADeadProgram) {
  kernel_->links[7].group = kernel::kLinkGroup;
  { const testing::FakeUapi program(directory_.path(), "wg0"); }
  ASSERT_NE(family_ = Family(), 0);
  EXPECT_EQ(Kinds(), "wg0=wireguard tun0=tun eth0=veth ");
  Dump(7);
  EXPECT_EQ(error_, ENODEV);
  EXPECT_EQ(Set(7), netlink::kProgramError);
}

}  // namespace
}  // namespace wgnet::wireguard
