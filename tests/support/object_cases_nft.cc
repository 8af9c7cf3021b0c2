// SPDX-License-Identifier: MIT OR Apache-2.0
#include "tests/support/object_cases.h"
#include "tests/support/wire_text.h"

namespace wgnet::testing {

using kernel::MakeRule;
using kernel::NftChain;
using kernel::NftElement;
using kernel::NftHook;
using kernel::NftSet;
using kernel::NftTable;
using kernel::Verb;
using kernel::nft::TableFamily;
namespace nft = kernel::nft;

namespace {

void AddTableCases(CaseList& list) {
  list.NoMeaning("nft_table", Verb::kChange,
                 "the comment is all that is no key, and is not compared");
  NftTable table;
  table.family = TableFamily::kInet;
  table.name = "wgnet-gateway";
  table.comment = "wgnet:gateway";
  list.Add("inet, with the owner as its comment", table);
  list.Delete("by name", table);
  table.comment.reset();
  table.family = TableFamily::kIpv4;
  list.Add("ip", table);
  table.family = TableFamily::kIpv6;
  list.Add("ip6", table);
  table.name = "two words";
  list.Add("a name that nft(8) cannot say", table);
}

NftChain BaseChain() {
  NftChain chain;
  chain.family = TableFamily::kInet;
  chain.table = "wgnet-gateway";
  chain.name = "postrouting";
  chain.type = "nat";
  chain.hook = NftHook{NF_INET_POST_ROUTING, 100};
  chain.policy = NF_ACCEPT;
  return chain;
}

NftChain ChainWithRules() {
  NftChain chain = BaseChain();
  chain.rules = {MakeRule({nft::MatchAddress{nft::Side::kSource, ParsePrefix("10.13.13.0/24")},
                           nft::MatchInterface{nft::Direction::kOut, "eth*"}, nft::Masquerade{}}),
                 MakeRule({nft::Verdict{true}})};
  return chain;
}

kernel::NftRule ForeignRule() {
  kernel::NftRule rule;
  rule.raw = BytesOfHex("14 00 01 00 09 00 01 00 6d 61 73 71 00 00 00 00 04 00 02 00");
  rule.comment = "somebody's";
  return rule;
}

void AddChainChanges(CaseList& list) {
  const NftChain before = ChainWithRules();
  NftChain policy = before;
  policy.policy = NF_DROP;
  list.Change("the policy: the rules stay", before, policy);
  NftChain rules = before;
  rules.rules->pop_back();
  list.Change("the rules: it is emptied and filled again", before, rules);
  rules.rules->clear();
  list.Change("no rules any more", before, rules);
  NftChain both = policy;
  std::swap(both.rules->front(), both.rules->back());
  list.Change("the policy and the order of the rules", before, both);
  list.Change("nothing", before, before);
}

void AddChainCases(CaseList& list) {
  NftChain plain;
  plain.family = TableFamily::kIpv6;
  plain.table = "wgnet-gateway";
  plain.name = "accept-all";
  list.Add("one that is called by others", plain);
  list.Delete("one that is called by others", plain);

  NftChain base = BaseChain();
  base.hook = NftHook{NF_INET_PRE_ROUTING, -300};
  base.type = "filter";
  base.policy = NF_DROP;
  base.rules.emplace();
  list.Add("base chain without rules: a negative priority, and a policy", base);
  list.Add("base chain with rules", ChainWithRules());
  list.Delete("it is emptied first", ChainWithRules());

  NftChain foreign = BaseChain();
  foreign.rules = {ForeignRule()};
  foreign.extra = RawAttribute(NFTA_CHAIN_FLAGS, BytesOfHex("00 00 00 01"));
  list.Add("somebody's, put back with its flags and its rule's bytes", foreign);
  AddChainChanges(list);
}

NftSet AddressSet(Family family) {
  const bool v6 = family == Family::kIpv6;
  NftSet set;
  set.family = TableFamily::kInet;
  set.table = "wgnet-gateway";
  set.name = v6 ? "sources6" : "sources4";
  set.flags = NFT_SET_INTERVAL;
  set.key_type = v6 ? kernel::kNftIpv6Type : kernel::kNftIpv4Type;
  set.key_length = v6 ? 16 : 4;
  set.userdata = kernel::NftAddressSetUserdata();
  return set;
}

void AddSetCases(CaseList& list) {
  list.NoMeaning("nft_set", Verb::kChange, "the kernel changes nothing of a set but its elements");
  list.Add("IPv4", AddressSet(Family::kIpv4));
  list.Add("IPv6", AddressSet(Family::kIpv6));
  list.Delete("by name", AddressSet(Family::kIpv4));
}

NftElement RangeOf(std::string_view first, std::string_view last) {
  NftElement element;
  element.family = TableFamily::kInet;
  element.table = "wgnet-gateway";
  element.set = "sources";
  element.range = {ParseIp(first), ParseIp(last)};
  return element;
}

void AddElementCases(CaseList& list) {
  list.NoMeaning("nft_element", Verb::kChange, "an element is nothing but key");
  list.Add("IPv4 prefix", RangeOf("10.0.0.0", "10.255.255.255"));
  list.Add("IPv4 address", RangeOf("10.0.0.1", "10.0.0.1"));
  list.Add("IPv4 range that is no prefix", RangeOf("10.0.0.1", "10.0.1.255"));
  list.Add("IPv4, everything: an interval without an end", RangeOf("0.0.0.0", "255.255.255.255"));
  list.Add("IPv6 prefix", RangeOf("fd00::", "fd00::ffff:ffff:ffff:ffff"));
  list.Add("IPv6 up to the last address",
           RangeOf("ffff::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"));
  list.Delete("IPv4 prefix", RangeOf("10.0.0.0", "10.255.255.255"));
  list.Delete("IPv6 address", RangeOf("fd00::1", "fd00::1"));
}

}  // namespace

void AddNftCases(CaseList& list) {
  AddTableCases(list);
  AddChainCases(list);
  AddSetCases(list);
  AddElementCases(list);
}

}  // namespace wgnet::testing
