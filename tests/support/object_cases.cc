// SPDX-License-Identifier: MIT OR Apache-2.0
#include "tests/support/object_cases.h"

#include "tests/support/wire_text.h"

namespace wgnet::testing {

using kernel::Address;
using kernel::Link;
using kernel::Route;
using kernel::Rule;
using kernel::Sysctl;
using kernel::Verb;

void AddLinkCases(CaseList& list) {
  Link link;
  link.name = "wg0";
  link.index = 7;
  link.kind = "wireguard";
  list.Add("nothing but what a link must have", link);
  list.Delete("by index", link);
  link.mtu = 1420;
  link.group = kernel::kLinkGroup;
  link.alias = "wgnet:gateway";
  link.forwarding = 1;
  link.up = true;
  link.extra = RawAttribute(IFLA_TXQLEN, BytesOfHex("e8 03 00 00"));
  list.Add("everything, in three messages", link);
  list.Delete("by index, whatever else is known of it", link);

  Link named;
  named.name = "$(id)";
  named.index = 8;
  named.kind = "wireguard";
  list.Add("a name that a shell must not see", named);

  Link before = link;
  Link after;
  after.index = 7;
  after.mtu = 1380;
  list.Change("the MTU", before, after);
  after = {};
  after.index = 7;
  after.up = false;
  after.forwarding = 0;
  list.Change("down, and no forwarding", before, after);
  list.Change("nothing, where all that is stated is there", before, before);
  before.alias = "";
  list.Change("the alias of a link that had none", before, link);
}

void AddAddressCases(CaseList& list) {
  Address v4;
  v4.local = ParsePrefix("10.13.13.1/24");
  v4.dev = Wg0();
  v4.scope = RT_SCOPE_UNIVERSE;
  v4.protocol = kernel::kProtocol;
  list.Add("IPv4", v4);
  list.Delete("IPv4", v4);

  Address v6;
  v6.local = ParsePrefix("fd00:1::1/64");
  v6.dev = Wg0();
  v6.scope = RT_SCOPE_UNIVERSE;
  v6.flags = IFA_F_NODAD;
  v6.protocol = kernel::kProtocol;
  list.Add("IPv6 without duplicate address detection", v6);
  list.Delete("IPv6", v6);

  Address peer = v4;
  peer.peer = ParseIp("10.99.0.2");
  peer.local = ParsePrefix("10.99.0.1/32");
  peer.extra = RawAttribute(IFA_LABEL, BytesOfHex("77 67 30 3a 31 00"));
  list.Add("IPv4 with a peer, and a label that was there before", peer);

  Address everything = v4;
  everything.local = ParsePrefix("10.0.0.1/0");
  list.Add("IPv4 in a network of all addresses", everything);

  Address after = v6;
  after.flags = IFA_F_NODAD | IFA_F_NOPREFIXROUTE;
  list.Change("IPv6 flags: the whole address is sent", v6, after);
  after = v4;
  after.scope = RT_SCOPE_LINK;
  list.Change("IPv4 scope: the whole address is sent", v4, after);
}

namespace {

Route RouteThroughLink(std::string_view dst) {
  Route route;
  route.type = RTN_UNICAST;
  route.dst = ParsePrefix(dst);
  route.tos = 0;
  route.dev = Wg0();
  route.table = RT_TABLE_MAIN;
  route.protocol = kernel::kProtocol;
  route.scope = RT_SCOPE_LINK;
  route.metric = 0;
  return route;
}

}  // namespace

void AddRouteCases(CaseList& list) {
  const Route v4 = RouteThroughLink("10.0.0.0/8");
  list.Add("IPv4 through a link", v4);
  list.Delete("IPv4: all that is stated must match", v4);

  Route v6 = RouteThroughLink("fd00:2::/64");
  v6.scope = RT_SCOPE_UNIVERSE;
  v6.metric = 1024;
  list.Add("IPv6 through a link", v6);
  list.Delete("IPv6", v6);

  Route tunnel = RouteThroughLink("0.0.0.0/0");
  tunnel.table = 51820;
  list.Add("IPv4 default, in a table whose number does not fit into the header", tunnel);
  tunnel = v6;
  tunnel.dst = ParsePrefix("::/0");
  tunnel.table = 255;
  list.Add("IPv6 default, in a table whose number just fits", tunnel);

  Route full = v4;
  full.tos = 16;
  full.gateway = ParseIp("192.0.2.1");
  full.source = ParseIp("192.0.2.7");
  full.metric = 50;
  full.onlink = true;
  full.scope = RT_SCOPE_UNIVERSE;
  full.protocol = RTPROT_DHCP;
  full.extra = RawAttribute(RTA_METRICS, RawAttribute(RTAX_MTU, BytesOfHex("14 05 00 00")));
  list.Add("somebody's, put back with its gateway, source, metric and MTU", full);
  list.Delete("somebody's", full);

  Route of_object = v4;
  of_object.gateway = ParseIp("192.0.2.1");
  of_object.extra = RawAttribute(RTA_NH_ID, BytesOfHex("0e 00 00 00"));
  list.Add("of a nexthop object, which has the gateway and the link", of_object);
  list.Delete("of a nexthop object", of_object);

  Route from = v6;
  from.from = ParsePrefix("2001:db8::/48");
  list.Add("IPv6 for packets from one network", from);
  list.Delete("IPv6 for packets from one network", from);

  Route blackhole;
  blackhole.type = RTN_BLACKHOLE;
  blackhole.dst = ParsePrefix("192.0.2.0/24");
  blackhole.table = RT_TABLE_MAIN;
  list.Add("one without a link", blackhole);

  Route after = v4;
  after.source = ParseIp("10.13.13.1");
  list.Change("IPv4 source: the whole route is sent", v4, after);
  after = v6;
  after.gateway = ParseIp("fe80::1");
  list.Change("IPv6 gateway: the whole route is sent", v6, after);
  after = v4;
  after.metric = 50;
  after.extra = RawAttribute(RTA_METRICS, RawAttribute(RTAX_MTU, BytesOfHex("14 05 00 00")));
  Route ours = after;
  ours.extra.clear();
  ours.source = ParseIp("10.13.13.1");
  list.Change("back to one with an MTU, which is sent too", ours, after);
}

void AddRuleCases(CaseList& list) {
  list.NoMeaning("rule", Verb::kChange, "a rule is nothing but key");
  for (const Family family : {Family::kIpv4, Family::kIpv6}) {
    const std::string name = family == Family::kIpv4 ? "IPv4" : "IPv6";
    Rule rule;
    rule.family = family;
    rule.priority = 32764;
    rule.invert = true;
    rule.fwmark = 0xca6c;
    rule.fwmask = 0xffffffff;
    rule.action = FR_ACT_TO_TBL;
    rule.table = 51820;
    rule.protocol = kernel::kProtocol;
    list.Add(name + ": all but a mark", rule);
    list.Delete(name + ": all but a mark", rule);
    Rule suppress;
    suppress.family = family;
    suppress.priority = 32763;
    suppress.action = FR_ACT_TO_TBL;
    suppress.table = RT_TABLE_MAIN;
    suppress.suppress_prefixlength = 0;
    suppress.protocol = kernel::kProtocol;
    list.Add(name + ": the main table but for its default route", suppress);
    list.Delete(name + ": the main table but for its default route", suppress);
  }
  Rule full;
  full.family = Family::kIpv4;
  full.priority = 100;
  full.from = ParsePrefix("10.1.0.0/16");
  full.to = ParsePrefix("10.2.0.0/16");
  full.iif = "eth0";
  full.oif = "wg0";
  full.action = FR_ACT_BLACKHOLE;
  full.extra = RawAttribute(FRA_UID_RANGE, BytesOfHex("e8 03 00 00 d0 07 00 00"));
  list.Add("from, to, in and out, put back with an attribute that no row knows", full);
  full.family = Family::kIpv6;
  full.from = ParsePrefix("fd00:1::/64");
  full.to = ParsePrefix("fd00:2::/64");
  list.Delete("IPv6, from, to, in and out", full);
}

void AddSysctlCases(CaseList& list) {
  const std::string reason = "a setting is always there: it is claimed, and put back, by a change";
  list.NoMeaning("sysctl", Verb::kAdd, reason);
  list.NoMeaning("sysctl", Verb::kDelete, reason);
  Sysctl before;
  before.name = "net/ipv4/ip_forward";
  before.value = "0";
  Sysctl after = before;
  after.value = "1";
  list.Change("a value", before, after);
  before.footprint = {{"net/ipv4/conf/eth0.100/forwarding", "1"},
                      {"net/ipv4/conf/eth0/forwarding", "0"}};
  list.Change("back, with what the write moves besides", after, before);
}

void AddDnsCases(CaseList& list) {
  kernel::DnsSetting setting;
  setting.backend = DnsBackend::kResolved;
  setting.path = "";
  setting.label = "7";
  setting.dev = Wg0();
  setting.servers = {ParseIp("10.13.13.1"), ParseIp("fd00::53")};
  setting.domains = {*DomainName::Parse("corp.example"), *DomainName::Parse("~internal")};
  setting.exclusive = true;
  setting.required = true;
  list.Add("systemd-resolved", setting);
  list.Delete("systemd-resolved", setting);

  kernel::DnsSetting after = setting;
  after.servers->clear();
  after.domains = {*DomainName::Parse("example.org")};
  after.exclusive = false;
  list.Change("systemd-resolved: all is said anew", setting, after);
  after.servers = setting.servers;
  after.domains->clear();
  list.Add("systemd-resolved, servers only", after);

  setting.backend = DnsBackend::kResolvconf;
  setting.label = "tun.wg0.wgnet";
  setting.domains = {*DomainName::Parse("corp.example"), *DomainName::Parse("example.org")};
  list.Add("resolvconf", setting);
  list.Delete("resolvconf", setting);
  setting.exclusive = false;
  setting.servers->clear();
  list.Add("resolvconf, search domains only", setting);

  setting.backend = DnsBackend::kFile;
  setting.path = "/etc/resolv.conf";
  setting.label = "wg0";
  setting.servers = {ParseIp("10.13.13.1")};
  setting.exclusive = true;
  list.Add("a file", setting);
  list.Delete("a file", setting);
  setting.order = 2;
  list.Add("a file, where it was", setting);
}

const ObjectCases& AllObjectCases() {
  static const ObjectCases cases = [] {
    CaseList list;
    for (const auto add :
         {AddLinkCases, AddAddressCases, AddRouteCases, AddRuleCases, AddWireguardCases,
          AddPeerCases, AddNftCases, AddSysctlCases, AddDnsCases}) {
      add(list);
    }
    return list.cases();
  }();
  return cases;
}

}  // namespace wgnet::testing
