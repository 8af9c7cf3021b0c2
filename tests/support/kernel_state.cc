// SPDX-License-Identifier: MIT OR Apache-2.0
#include "tests/support/kernel_state.h"

#include <fmt/format.h>
#include <net/if.h>
#include <netinet/in.h>

#include <fcntl.h>
#include <linux/fib_rules.h>
#include <linux/genetlink.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <linux/wireguard.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <sstream>
#include <vector>

namespace wgnet::testing {
namespace {

using Bytes = std::basic_string<uint8_t>;
using Skip = std::set<uint16_t>;

// ---- a netlink socket of three functions ----

class Dumper {
 public:
  explicit Dumper(int protocol) : fd_(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol)) {}
  ~Dumper() { close(fd_); }

  // Every message of a dump; nothing where the kernel refuses it.
  std::vector<Bytes> Dump(uint16_t type, const Bytes& payload, uint16_t flags = NLM_F_DUMP) {
    for (int attempt = 0; attempt < 20; ++attempt) {
      std::vector<Bytes> messages;
      if (Try(type, payload, flags, messages)) return messages;
    }
    return {};
  }

 private:
  bool Try(uint16_t type, const Bytes& payload, uint16_t flags, std::vector<Bytes>& messages) {
    nlmsghdr header{};
    header.nlmsg_len = static_cast<uint32_t>(sizeof header + payload.size());
    header.nlmsg_type = type;
    header.nlmsg_flags = static_cast<uint16_t>(NLM_F_REQUEST | flags);
    header.nlmsg_seq = ++sequence_;
    Bytes request(reinterpret_cast<const uint8_t*>(&header), sizeof header);
    request += payload;
    send(fd_, request.data(), request.size(), 0);
    while (true) {
      static uint8_t buffer[1 << 17];
      const ssize_t size = recv(fd_, buffer, sizeof buffer, 0);
      if (size <= 0) return false;
      for (ssize_t at = 0; at + static_cast<ssize_t>(sizeof(nlmsghdr)) <= size;) {
        nlmsghdr reply;
        std::memcpy(&reply, buffer + at, sizeof reply);
        if (reply.nlmsg_type == NLMSG_DONE || reply.nlmsg_type == NLMSG_ERROR) return true;
        if ((reply.nlmsg_flags & NLM_F_DUMP_INTR) != 0) return false;
        messages.emplace_back(buffer + at + sizeof reply, reply.nlmsg_len - sizeof reply);
        if ((flags & NLM_F_DUMP) != NLM_F_DUMP) return true;
        at += NLMSG_ALIGN(reply.nlmsg_len);
      }
    }
  }

  int fd_;
  uint32_t sequence_ = 0;
};

struct Attribute {
  uint16_t type;
  Bytes payload;
};

std::vector<Attribute> AttributesOf(const Bytes& bytes, size_t from) {
  std::vector<Attribute> attributes;
  for (size_t at = from; at + sizeof(nlattr) <= bytes.size();) {
    nlattr header;
    std::memcpy(&header, bytes.data() + at, sizeof header);
    if (header.nla_len < sizeof header || at + header.nla_len > bytes.size()) break;
    attributes.push_back({static_cast<uint16_t>(header.nla_type & NLA_TYPE_MASK),
                          bytes.substr(at + sizeof header, header.nla_len - sizeof header)});
    at += NLA_ALIGN(header.nla_len);
  }
  return attributes;
}

std::string Hex(const Bytes& bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const uint8_t byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

template <class Header>
Bytes Raw(const Header& header) {
  return Bytes(reinterpret_cast<const uint8_t*>(&header), sizeof header);
}

// ---- one line for each object ----

using Lines = std::vector<std::string>;

std::string LinkLine(const Bytes& message) {
  static const Skip kKept = {IFLA_IFNAME, IFLA_MTU,      IFLA_GROUP, IFLA_IFALIAS,
                             IFLA_TXQLEN, IFLA_LINKINFO, IFLA_MASTER};
  ifinfomsg header;
  std::memcpy(&header, message.data(), sizeof header);
  std::string line = fmt::format("link {} type {} up {}", header.ifi_index, header.ifi_type,
                                 (header.ifi_flags & IFF_UP) != 0);
  for (const auto& [type, payload] : AttributesOf(message, NLMSG_ALIGN(sizeof header))) {
    if (kKept.contains(type)) line += fmt::format(" {}={}", type, Hex(payload));
  }
  return line;
}

// The header without what changes by itself, then all attributes but some.
template <class Header>
std::string Line(std::string_view kind, const Bytes& message, const Skip& skip,
                 const std::function<void(Header&)>& mask) {
  Header header;
  std::memcpy(&header, message.data(), sizeof header);
  mask(header);
  std::string line = fmt::format("{} {}", kind, Hex(Raw(header)));
  for (const auto& [type, payload] : AttributesOf(message, NLMSG_ALIGN(sizeof header))) {
    if (!skip.contains(type)) line += fmt::format(" {}={}", type, Hex(payload));
  }
  return line;
}

void AddRtnetlink(Lines& lines) {
  Dumper dumper(NETLINK_ROUTE);
  for (const Bytes& m : dumper.Dump(RTM_GETLINK, Raw(ifinfomsg{}))) lines.push_back(LinkLine(m));
  for (const Bytes& m : dumper.Dump(RTM_GETADDR, Raw(ifaddrmsg{}))) {
    // Duplicate address detection goes on by itself.
    lines.push_back(
        Line<ifaddrmsg>("address", m, {IFA_CACHEINFO, IFA_FLAGS},
                        [](ifaddrmsg& header) { header.ifa_flags &= IFA_F_SECONDARY; }));
  }
  for (const Bytes& m : dumper.Dump(RTM_GETROUTE, Raw(rtmsg{}))) {
    // A forwarding host joins a network's anycast address when an address has passed duplicate
    // address detection, and leaves it with any address: in between, the count can go wrong (6.18).
    // A cloned route is a cache of a packet sent, such as a router solicitation.
    const auto* route = reinterpret_cast<const rtmsg*>(m.data());
    // The local route of an IPv6 address, which is compared itself, comes some time after it.
    const bool of_address = route->rtm_family == AF_INET6 && route->rtm_type == RTN_LOCAL &&
                            route->rtm_protocol == RTPROT_KERNEL;
    if (of_address || route->rtm_type == RTN_ANYCAST || (route->rtm_flags & RTM_F_CLONED) != 0)
      continue;
    lines.push_back(Line<rtmsg>("route", m, {RTA_CACHEINFO},
                                [](rtmsg& header) { header.rtm_flags &= RTNH_F_ONLINK; }));
  }
  for (const uint8_t family : {AF_INET, AF_INET6}) {
    fib_rule_hdr request{};
    request.family = family;
    for (const Bytes& m : dumper.Dump(RTM_GETRULE, Raw(request))) {
      lines.push_back(Line<fib_rule_hdr>(
          "rule", m, {}, [](fib_rule_hdr& header) { header.flags &= FIB_RULE_INVERT; }));
    }
  }
}

template <class Dump>
void AddElements(const Bytes& set, const Dump& dump, Lines& lines) {
  Bytes request(set.data(), sizeof(nfgenmsg));
  std::string name;
  for (const auto& [type, payload] : AttributesOf(set, NLMSG_ALIGN(sizeof(nfgenmsg)))) {
    if (type != NFTA_SET_TABLE && type != NFTA_SET_NAME) continue;
    const uint16_t wanted =
        type == NFTA_SET_TABLE ? NFTA_SET_ELEM_LIST_TABLE : NFTA_SET_ELEM_LIST_SET;
    name += Hex(payload) + " ";
    request += Raw(nlattr{static_cast<uint16_t>(sizeof(nlattr) + payload.size()), wanted});
    request += payload;
    request.resize(NLA_ALIGN(request.size()));
  }
  for (const Bytes& m : dump(NFT_MSG_GETSETELEM, request)) {
    for (const auto& [type, list] : AttributesOf(m, NLMSG_ALIGN(sizeof(nfgenmsg)))) {
      if (type != NFTA_SET_ELEM_LIST_ELEMENTS) continue;
      for (const auto& element : AttributesOf(list, 0)) {
        lines.push_back("nft-element " + name + Hex(element.payload));
      }
    }
  }
}

// Rules have an order within their chain.
std::string RuleLine(const Bytes& message, std::map<std::string, int>& counts) {
  const std::string line =
      Line<nfgenmsg>("nft-rule", message, {NFTA_RULE_HANDLE, NFTA_RULE_POSITION},
                     [](nfgenmsg& header) { header.res_id = 0; });
  std::string chain;
  for (const auto& [type, payload] : AttributesOf(message, NLMSG_ALIGN(sizeof(nfgenmsg)))) {
    if (type == NFTA_RULE_TABLE || type == NFTA_RULE_CHAIN) chain += Hex(payload) + " ";
  }
  return fmt::format("{} number {}", line, counts[chain]++);
}

void AddNftables(Lines& lines) {
  Dumper dumper(NETLINK_NETFILTER);
  const auto dump = [&](int type, const Bytes& payload) {
    return dumper.Dump(static_cast<uint16_t>(NFNL_SUBSYS_NFTABLES << 8 | type), payload);
  };
  const auto unnumbered = [](nfgenmsg& header) { header.res_id = 0; };
  for (const Bytes& m : dump(NFT_MSG_GETTABLE, Raw(nfgenmsg{}))) {
    lines.push_back(
        Line<nfgenmsg>("nft-table", m, {NFTA_TABLE_USE, NFTA_TABLE_HANDLE}, unnumbered));
  }
  for (const Bytes& m : dump(NFT_MSG_GETCHAIN, Raw(nfgenmsg{}))) {
    lines.push_back(
        Line<nfgenmsg>("nft-chain", m, {NFTA_CHAIN_USE, NFTA_CHAIN_HANDLE}, unnumbered));
  }
  std::map<std::string, int> counts;
  for (const Bytes& m : dump(NFT_MSG_GETRULE, Raw(nfgenmsg{}))) {
    lines.push_back(RuleLine(m, counts));
  }
  for (const Bytes& m : dump(NFT_MSG_GETSET, Raw(nfgenmsg{}))) {
    lines.push_back(Line<nfgenmsg>("nft-set", m, {NFTA_SET_HANDLE, NFTA_SET_ID}, unnumbered));
    AddElements(m, dump, lines);
  }
}

std::string PeerText(const Bytes& nest) {
  static const Skip kMoving = {WGPEER_A_LAST_HANDSHAKE_TIME, WGPEER_A_RX_BYTES, WGPEER_A_TX_BYTES};
  std::string text;
  for (const auto& [type, payload] : AttributesOf(nest, 0)) {
    if (kMoving.contains(type)) continue;
    if (type != WGPEER_A_ALLOWEDIPS) {
      text += fmt::format(" {}={}", type, Hex(payload));
      continue;
    }
    std::set<std::string> ips;
    for (const auto& ip : AttributesOf(payload, 0)) ips.insert(Hex(ip.payload));
    for (const auto& ip : ips) text += " ip=" + ip;
  }
  return text;
}

uint16_t WireguardFamily(Dumper& dumper) {
  Bytes request = Raw(genlmsghdr{CTRL_CMD_GETFAMILY, 1, 0});
  const nlattr name{sizeof(nlattr) + 10, CTRL_ATTR_FAMILY_NAME};
  request += Raw(name);
  request.append(reinterpret_cast<const uint8_t*>("wireguard\0\0\0"), 12);
  for (const Bytes& m : dumper.Dump(GENL_ID_CTRL, request, 0)) {
    for (const auto& [type, payload] : AttributesOf(m, sizeof(genlmsghdr))) {
      uint16_t id = 0;
      if (type != CTRL_ATTR_FAMILY_ID) continue;
      std::memcpy(&id, payload.data(), sizeof id);
      return id;
    }
  }
  return 0;
}

void AddWireguard(Lines& lines) {
  Dumper dumper(NETLINK_GENERIC);
  const uint16_t family = WireguardFamily(dumper);
  if (family == 0) return;
  for (const Bytes& link : Dumper(NETLINK_ROUTE).Dump(RTM_GETLINK, Raw(ifinfomsg{}))) {
    const int index = reinterpret_cast<const ifinfomsg*>(link.data())->ifi_index;
    Bytes request = Raw(genlmsghdr{WG_CMD_GET_DEVICE, WG_GENL_VERSION, 0});
    request += Raw(nlattr{sizeof(nlattr) + 4, WGDEVICE_A_IFINDEX}) + Raw(index);
    for (const Bytes& m : dumper.Dump(family, request)) {
      for (const auto& [type, payload] : AttributesOf(m, sizeof(genlmsghdr))) {
        if (type != WGDEVICE_A_PEERS) {
          lines.push_back(fmt::format("wg {} {}={}", index, type, Hex(payload)));
          continue;
        }
        for (const auto& peer : AttributesOf(payload, 0)) {
          lines.push_back(fmt::format("wg-peer {}{}", index, PeerText(peer.payload)));
        }
      }
    }
  }
}

void AddSysctls(Lines& lines) {
  const auto add = [&](const std::string& path) {
    char value[64];
    const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    const ssize_t size = fd >= 0 ? read(fd, value, sizeof value) : -1;
    if (fd >= 0) close(fd);
    if (size > 0) lines.push_back(path + " = " + std::string(value, static_cast<size_t>(size) - 1));
  };
  add("/proc/sys/net/ipv4/ip_forward");
  for (const char* family : {"ipv4", "ipv6"}) {
    const std::filesystem::path conf = std::string("/proc/sys/net/") + family + "/conf";
    if (!std::filesystem::exists(conf)) continue;
    for (const auto& entry : std::filesystem::directory_iterator(conf)) {
      for (const char* name : {"forwarding", "rp_filter", "src_valid_mark", "accept_redirects",
                               "send_redirects", "accept_ra"}) {
        add(entry.path().string() + "/" + name);
      }
    }
  }
}

}  // namespace

bool HasTentativeAddress() {
  Dumper dumper(NETLINK_ROUTE);
  const auto addresses = dumper.Dump(RTM_GETADDR, Raw(ifaddrmsg{}));
  return std::any_of(addresses.begin(), addresses.end(), [](const Bytes& m) {
    return (reinterpret_cast<const ifaddrmsg*>(m.data())->ifa_flags & IFA_F_TENTATIVE) != 0;
  });
}

std::string ReadKernelState() {
  Lines lines;
  AddRtnetlink(lines);
  AddNftables(lines);
  AddWireguard(lines);
  AddSysctls(lines);
  std::sort(lines.begin(), lines.end());
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

std::set<std::string> ObjectsOf(const std::string& state) {
  std::set<std::string> lines;
  std::istringstream in(state);
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with("/proc/")) lines.insert(line);
  }
  return lines;
}

std::string LostFrom(const std::string& before, const std::string& after) {
  const auto lines = ObjectsOf(after);
  std::string lost;
  for (const std::string& line : ObjectsOf(before)) {
    if (!lines.contains(line)) lost += "lost " + line + "\n";
  }
  return lost;
}

std::string DifferenceOf(const std::string& before, const std::string& after) {
  const auto split = [](const std::string& text) {
    std::multiset<std::string> lines;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) lines.insert(line);
    return lines;
  };
  const auto old_lines = split(before);
  const auto new_lines = split(after);
  std::string difference;
  for (const std::string& line : old_lines) {
    if (!new_lines.contains(line)) difference += "- " + line + "\n";
  }
  for (const std::string& line : new_lines) {
    if (!old_lines.contains(line)) difference += "+ " + line + "\n";
  }
  return difference;
}

}  // namespace wgnet::testing
