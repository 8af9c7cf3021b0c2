// SPDX-License-Identifier: MIT OR Apache-2.0
// The transport to the running kernel, in a network namespace that each test makes.
#include "src/netlink/kernel_transport.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <set>

#include "src/netlink/client.h"
#include "tests/support/sandbox.h"

namespace wgnet::netlink {
namespace {

using testing::InNewNamespace;

std::string Check(bool holds, const std::string& what) { return holds ? "" : what + "\n"; }

std::unique_ptr<KernelTransport> OpenHere() {
  auto netns = NetworkNamespace::Open("");
  if (!netns) return nullptr;
  auto transport = KernelTransport::Open(*std::move(netns));
  return transport ? *std::move(transport) : nullptr;
}

// The port of this process' socket of a protocol; 0: there is none.
uint32_t PortOf(int protocol) {
  for (int fd = 0; fd < 256; ++fd) {
    int found = -1;
    socklen_t size = sizeof found;
    if (getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &found, &size) != 0 || found != protocol) continue;
    sockaddr_nl address{};
    size = sizeof address;
    if (getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) continue;
    if (address.nl_family == AF_NETLINK) return address.nl_pid;
  }
  return 0;
}

struct LinkDump {
  nlmsghdr header{sizeof(LinkDump), RTM_GETLINK, NLM_F_REQUEST | NLM_F_DUMP, 1, 0};
  ifinfomsg body{};
};

int SendDump(KernelTransport& transport) {
  LinkDump dump;
  const iovec part{&dump, sizeof dump};
  return transport.Send(Bus::kRoute, {&part, 1});
}

TEST(KernelTransportTest, TheKernelAnswersInsideSend) {
  EXPECT_EQ(InNewNamespace([] {
              const auto transport = OpenHere();
              std::array<std::byte, 65536> buffer;
              std::string problems =
                  Check(transport->Receive(Bus::kRoute, buffer) == -EAGAIN, "something was there");
              problems += Check(SendDump(*transport) == 0, "sending failed");
              int datagrams = 0;
              while (transport->Receive(Bus::kRoute, buffer) > 0) ++datagrams;
              return problems + Check(datagrams > 0, "no answer");
            }),
            "");
}

// Another process may write to our port what looks like an answer.
TEST(KernelTransportTest, WhatDoesNotComeFromTheKernelIsPassedOver) {
  EXPECT_EQ(
      InNewNamespace([] {
        const auto transport = OpenHere();
        sockaddr_nl to{};
        to.nl_family = AF_NETLINK;
        to.nl_pid = PortOf(NETLINK_ROUTE);
        const int liar = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
        const nlmsghdr lie{sizeof lie, NLMSG_DONE, 0, 1, 0};
        std::string problems = Check(to.nl_pid != 0, "the transport has no port");
        for (int i = 0; i < 3; ++i) {
          const auto sent =
              sendto(liar, &lie, sizeof lie, 0, reinterpret_cast<sockaddr*>(&to), sizeof to);
          problems += Check(sent == sizeof lie, std::string("sendto: ") + std::strerror(errno));
        }
        std::array<std::byte, 65536> buffer;
        problems += Check(transport->Receive(Bus::kRoute, buffer) == -EAGAIN, "a lie was heard");
        sendto(liar, &lie, sizeof lie, 0, reinterpret_cast<sockaddr*>(&to), sizeof to);
        problems += Check(SendDump(*transport) == 0, "sending failed");
        const ssize_t size = transport->Receive(Bus::kRoute, buffer);
        nlmsghdr first{};
        std::memcpy(&first, buffer.data(), sizeof first);
        problems += Check(size > 0 && first.nlmsg_type == RTM_NEWLINK, "the answer is not first");
        close(liar);
        return problems;
      }),
      "");
}

std::set<int> OpenDescriptors() {
  std::set<int> open;
  for (int fd = 0; fd < 1024; ++fd) {
    if (fcntl(fd, F_GETFD) >= 0) open.insert(fd);
  }
  return open;
}

TEST(KernelTransportTest, EveryDescriptorIsClosedOnExecAndInTheEnd) {
  EXPECT_EQ(InNewNamespace([] {
              const std::set<int> before = OpenDescriptors();
              auto transport = OpenHere();
              const int setting = transport->OpenSetting("net/ipv4/ip_forward", true);
              std::string problems = Check(setting >= 0, "the setting was not opened");
              size_t opened = 0;
              for (const int fd : OpenDescriptors()) {
                if (before.contains(fd)) continue;
                ++opened;
                problems += Check((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0, "one stays open");
              }
              // Three sockets, the namespace, the setting.
              problems += Check(opened == 5, std::to_string(opened) + " descriptors");
              transport->CloseSetting(setting);
              transport.reset();
              return problems + Check(OpenDescriptors() == before, "descriptors are left");
            }),
            "");
}

TEST(KernelTransportTest, AnAnswerLargerThanTheBufferIsAnErrorAndTheNextIsRead) {
  EXPECT_EQ(InNewNamespace([] {
              const auto transport = OpenHere();
              std::array<std::byte, 32> small;
              std::array<std::byte, 65536> buffer;
              SendDump(*transport);
              std::string problems = Check(transport->Receive(Bus::kRoute, small) == -EMSGSIZE,
                                           "the cut was not noticed");
              return problems +
                     Check(transport->Receive(Bus::kRoute, buffer) > 0, "nothing came after it");
            }),
            "");
}

TEST(KernelTransportTest, ASendTakesItsLimitAndNotMuchMore) {
  EXPECT_EQ(InNewNamespace([] {
              const auto transport = OpenHere();
              std::string problems;
              for (const Bus bus : {Bus::kRoute, Bus::kGeneric, Bus::kNetfilter}) {
                std::vector<std::byte> bytes(transport->SendLimit(bus));
                const nlmsghdr noop{static_cast<uint32_t>(bytes.size()), NLMSG_NOOP, 0, 0, 0};
                std::memcpy(bytes.data(), &noop, sizeof noop);
                const iovec part{bytes.data(), bytes.size()};
                const int error = transport->Send(bus, {&part, 1});
                problems += Check(error == 0, std::string("Send: ") + std::strerror(error));
                problems += Check(bytes.size() > 100000, "the limit is small");
              }
              std::vector<std::byte> more(2 * transport->SendLimit(Bus::kRoute) + 4096);
              const iovec part{more.data(), more.size()};
              return problems +
                     Check(transport->Send(Bus::kRoute, {&part, 1}) == EMSGSIZE, "too much fits");
            }),
            "");
}

TEST(KernelTransportTest, AllPartsOfASendArriveAsOneInTheirOrder) {
  EXPECT_EQ(InNewNamespace([] {
              const auto transport = OpenHere();
              Client client(*transport);
              // A message about lo, and one about a link that is not there: cut in the middle.
              struct {
                nlmsghdr header{32, RTM_NEWLINK, NLM_F_REQUEST, 1, 0};
                ifinfomsg body{};
              } messages[2];
              messages[0].body.ifi_index = 1;
              messages[1].body.ifi_index = 99;
              messages[1].header.nlmsg_seq = 2;
              auto* bytes = reinterpret_cast<std::byte*>(messages);
              const std::array<iovec, 3> parts = {iovec{bytes, 7}, iovec{bytes + 7, 30},
                                                  iovec{bytes + 37, 27}};
              std::string errors;
              const auto outcome = client.Change(
                  Bus::kRoute, parts, messages[1].header,
                  [&](const KernelError& error) { errors += std::to_string(error.sequence); });
              return Check(outcome.acknowledged, "no acknowledgement") +
                     Check(errors == "2", "errors of: " + errors);
            }),
            "");
}

// The kernel tells which attribute it refuses: EXT_ACK and CAP_ACK are on.
TEST(KernelTransportTest, ErrorsCarryTheKernelsWords) {
  EXPECT_EQ(InNewNamespace([] {
              const auto transport = OpenHere();
              Client client(*transport);
              SecretBuffer bytes;
              MessageWriter out(bytes, client.sequence());
              ifinfomsg lo{};
              lo.ifi_index = 1;
              out.Begin(RTM_NEWLINK, 0, lo);
              out.Put(IFLA_MTU, uint8_t{1});  // one byte of four
              const iovec part{bytes.data(), bytes.size()};
              KernelError seen;
              client.Change(Bus::kRoute, {&part, 1}, out.message(),
                            [&](const KernelError& error) { seen = error; });
              return Check(seen.error_number != 0, "no error") +
                     Check(!seen.text.empty(), "no text") + Check(seen.offset == 32, "no offset");
            }),
            "");
}

// ---- settings ----

std::string ReadText(KernelTransport& transport, int handle) {
  std::array<char, 64> buffer;
  const ssize_t size = transport.ReadSetting(handle, buffer);
  return size < 0 ? "error " + std::to_string(-size)
                  : std::string(buffer.data(), static_cast<size_t>(size));
}

TEST(KernelTransportTest, SettingsAreReadAndWrittenWithoutTheirNewline) {
  EXPECT_EQ(InNewNamespace([] {
              const auto transport = OpenHere();
              const int handle = transport->OpenSetting("net/ipv4/ip_forward", true);
              std::string problems = Check(handle >= 0, "not opened");
              for (const char* value : {"1", "0", "1"}) {
                problems += Check(transport->WriteSetting(handle, value) == 0, "not written");
                problems += Check(ReadText(*transport, handle) == value, "another value");
              }
              problems += Check(transport->WriteSetting(handle, "x") == EINVAL, "x was taken");
              problems += Check(ReadText(*transport, handle) == "1", "x changed it");
              transport->CloseSetting(handle);
              return problems;
            }),
            "");
}

TEST(KernelTransportTest, ASettingBelongsToTheNamespaceOfItsTransport) {
  EXPECT_EQ(InNewNamespace([] {
              const auto first = OpenHere();
              const int early = first->OpenSetting("net/ipv4/ip_forward", true);
              if (unshare(CLONE_NEWNET) != 0) return std::string("unshare failed");
              const int late = first->OpenSetting("net/ipv4/ip_forward", true);
              const auto second = OpenHere();
              const int other = second->OpenSetting("net/ipv4/ip_forward", false);
              const std::string before = ReadText(*second, other);
              std::string problems =
                  Check(first->WriteSetting(early, before == "1" ? "0" : "1") == 0, "not written");
              problems += Check(ReadText(*first, late) != before, "opened late: another namespace");
              return problems + Check(ReadText(*second, other) == before, "the wrong one changed");
            }),
            "");
}

TEST(KernelTransportTest, SettingsThatCannotBeOpenedSayWhy) {
  EXPECT_EQ(InNewNamespace([] {
              const auto transport = OpenHere();
              const std::string long_name(5000, 'a');
              return Check(transport->OpenSetting("net/ipv4/nothing", false) == -ENOENT, "ENOENT") +
                     Check(transport->OpenSetting(long_name.c_str(), false) == -ENAMETOOLONG,
                           "TOOLONG") +
                     Check(transport->OpenSetting("net/ipv4", true) == -EISDIR, "EISDIR");
            }),
            "");
}

TEST(KernelTransportTest, ANamespaceThatMayNotBeEnteredIsAnError) {
  EXPECT_EQ(InNewNamespace([] {
              auto netns = NetworkNamespace::Open("/proc/self/ns/net");
              const bool left = unshare(CLONE_NEWNET) == 0 && seteuid(65534) == 0;
              auto transport = KernelTransport::Open(*std::move(netns));
              if (transport || !left || seteuid(0) != 0) return Check(false, "a transport");
              return Check(transport.error().code == ErrorCode::kPermission, "its code") +
                     Check(transport.error().error_number == EPERM, "its errno");
            }),
            "");
}

TEST(KernelTransportTest, SocketsStayInTheirNamespace) {
  EXPECT_EQ(InNewNamespace([] {
              const auto first = OpenHere();
              const std::string id = first->netns().id();
              if (unshare(CLONE_NEWNET) != 0) return std::string("unshare failed");
              // The loopback of a new namespace is down; that of the first is up.
              SendDump(*first);
              std::array<std::byte, 65536> buffer;
              first->Receive(Bus::kRoute, buffer);
              ifinfomsg lo{};
              std::memcpy(&lo, buffer.data() + NLMSG_HDRLEN, sizeof lo);
              return Check((lo.ifi_flags & IFF_UP) != 0, "it answers for the new one") +
                     Check(NetworkNamespace::Open("")->id() != id, "there is no new one");
            }),
            "");
}

}  // namespace
}  // namespace wgnet::netlink
