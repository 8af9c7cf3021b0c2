// SPDX-License-Identifier: MIT OR Apache-2.0
#include "tests/support/leftovers.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/rtnetlink.h>
#include <linux/wireguard.h>
#include <sodium.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <sstream>
#include <vector>

namespace wgnet::testing {
namespace {

using Words = std::vector<std::string>;

Words WordsOf(const std::string& text) {
  Words words;
  std::istringstream in(text);
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

std::string FromHex(const std::string& hex) {
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  }
  return bytes;
}

// The payloads in a line of a state, by attribute.
std::map<int, std::string> AttributesOf(const Words& words) {
  std::map<int, std::string> attributes;
  for (const std::string& word : words) {
    const size_t equals = word.find('=');
    if (equals == word.npos || equals == 0 || word.find_first_not_of("0123456789") != equals) {
      continue;
    }
    attributes[std::stoi(word)] = FromHex(word.substr(equals + 1));
  }
  return attributes;
}

template <class T>
T ValueOf(const std::string& bytes) {
  T value{};
  std::memcpy(&value, bytes.data(), std::min(bytes.size(), sizeof value));
  return value;
}

std::string PrefixText(uint8_t family, std::string address, int length) {
  address.resize(16);
  char text[INET6_ADDRSTRLEN];
  inet_ntop(family, address.data(), text, sizeof text);
  return fmt::format("{}/{}", text, length);
}

std::string KeyText(const std::string& key) {
  char text[64];
  return sodium_bin2base64(text, sizeof text, reinterpret_cast<const uint8_t*>(key.data()),
                           key.size(), sodium_base64_VARIANT_ORIGINAL);
}

std::string CString(const std::string& bytes) { return bytes.c_str(); }

// What a command has to have in it, to name the object of a line. Several: any of them.
using Names = std::vector<Words>;

Names NamesOfRoute(const Words& words) {
  const auto header = ValueOf<rtmsg>(FromHex(words[1]));
  const auto attributes = AttributesOf(words);
  if (header.rtm_protocol == RTPROT_KERNEL) return {{"ip", "address"}, {"ip", "link"}};
  const auto dst = attributes.find(RTA_DST);
  const auto table = ValueOf<uint32_t>(attributes.at(RTA_TABLE));
  return {{"route",
           PrefixText(header.rtm_family, dst == attributes.end() ? "" : dst->second,
                      header.rtm_dst_len) +
               " ",
           "table " + (table == RT_TABLE_MAIN ? "main" : std::to_string(table))}};
}

Names NamesOfSetting(const Words& words) {
  std::string name = words[0].substr(std::strlen("/proc/sys/"));
  std::replace(name.begin(), name.end(), '/', '.');
  const bool of_link = name.find(".conf.") != name.npos;
  Names names = {{"sysctl", name}};
  if (!of_link) return names;
  std::string link = name.substr(name.find(".conf.") + 6);
  link.resize(link.find('.'));
  names.push_back({"ip link", " " + link + " "});
  if (name.ends_with("forwarding")) names.push_back({"sysctl", "forward"});  // of all links
  return names;
}

Names NamesOf(const std::string& line) {
  const Words words = WordsOf(line);
  const auto attributes = AttributesOf(words);
  const std::string& kind = words[0];
  const auto text = [&](int attribute) { return CString(attributes.at(attribute)); };
  if (kind == "link") return {{"ip link", " " + text(IFLA_IFNAME) + " "}};
  if (kind == "address") {
    const auto header = ValueOf<ifaddrmsg>(FromHex(words[1]));
    const int attribute = header.ifa_family == AF_INET ? IFA_LOCAL : IFA_ADDRESS;
    return {{"address",
             PrefixText(header.ifa_family, attributes.at(attribute), header.ifa_prefixlen) + " "}};
  }
  if (kind == "route") return NamesOfRoute(words);
  if (kind == "rule") {
    const auto priority = ValueOf<uint32_t>(attributes.at(FRA_PRIORITY));
    return {{"rule", fmt::format("priority {} ", priority)}};
  }
  if (kind == "nft-table") return {{"nft", "table", text(NFTA_TABLE_NAME)}};
  if (kind == "nft-chain") {
    return {{"nft", "chain", text(NFTA_CHAIN_TABLE), text(NFTA_CHAIN_NAME)}};
  }
  if (kind == "nft-rule") return {{"nft", "chain", text(NFTA_RULE_TABLE), text(NFTA_RULE_CHAIN)}};
  if (kind == "nft-set") {  // which counts its elements
    return {{"nft", "set", text(NFTA_SET_TABLE), text(NFTA_SET_NAME)},
            {"nft", "element", text(NFTA_SET_TABLE), text(NFTA_SET_NAME)}};
  }
  if (kind == "nft-element") {
    return {{"nft", "element", CString(FromHex(words[1])), CString(FromHex(words[2]))}};
  }
  if (kind == "wg") return {{"wg set"}, {"ip link"}};
  if (kind == "wg-peer") return {{"wg set", KeyText(attributes.at(WGPEER_A_PUBLIC_KEY))}};
  if (kind == "resolv.conf:") return {{"resolv"}};
  if (kind.starts_with("/proc/sys/")) return NamesOfSetting(words);
  // A fake device, or its peer.
  const size_t key = line.find("\"public_key\":\"");
  const bool is_peer = line.find("\"allowed_ips\"") != line.npos && key != line.npos;
  if (is_peer) return {{"wg set", line.substr(key + 14, 44)}};
  return {{"wg set"}, {"ip link"}};
}

bool IsNamed(const std::string& line, const RollbackReport& report) {
  const Names names = NamesOf(line);
  return std::any_of(names.begin(), names.end(), [&](const Words& words) {
    return std::any_of(report.leftovers.begin(), report.leftovers.end(), [&](const auto& leftover) {
      const std::string command = leftover.command + " ";
      return std::all_of(words.begin(), words.end(), [&](const std::string& word) {
        return command.find(word) != command.npos;
      });
    });
  });
}

}  // namespace

std::string UnnamedIn(const std::string& difference, const RollbackReport& report) {
  std::string unnamed;
  std::istringstream in(difference);
  for (std::string line; std::getline(in, line);) {
    if (!IsNamed(line.substr(2), report)) unnamed += line + "\n";
  }
  return unnamed;
}

}  // namespace wgnet::testing
