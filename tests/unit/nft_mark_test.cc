// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/kernel/nft_mark.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/xt_mark.h>

namespace wgnet::kernel::nft {
namespace {

using Kind = MarkUse::Kind;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<MarkUse> UsesOf(std::vector<Expression> expressions) {
  NftRule rule = MakeRule(std::move(expressions));
  WriteRaw(rule, TableFamily::kInet);
  return MarkUsesOf(*rule.raw);
}

TEST(NftMarkTest, WhatARuleLooksFor) {
  EXPECT_THAT(UsesOf({MatchMark{MarkOf::kPacket, 0x77, UINT32_MAX}, Verdict{true}}),
              ElementsAre(MarkUse{Kind::kIs, 0x77, UINT32_MAX}));
  EXPECT_THAT(UsesOf({MatchUdp{}, MatchMark{MarkOf::kPacket, 0x4000, 0xc000}}),
              ElementsAre(MarkUse{Kind::kIs, 0x4000, 0xc000}));
  EXPECT_THAT(UsesOf({MatchMark{MarkOf::kConnection, 0x77, UINT32_MAX}}), IsEmpty());
  EXPECT_THAT(UsesOf({MatchMark{MarkOf::kPacket, 1, UINT32_MAX},
                      MatchMark{MarkOf::kConnection, 0x77, 0xff}, MatchUdpPort{53}}),
              ElementsAre(MarkUse{Kind::kIs, 1, UINT32_MAX}));
  EXPECT_THAT(UsesOf({MatchInterface{Direction::kIn, "wg0"}, Verdict{true}}), IsEmpty());
}

TEST(NftMarkTest, WhatARuleSets) {
  EXPECT_THAT(UsesOf({MergeMark{MarkOf::kPacket, 0x1000, 0x3000}}),
              ElementsAre(MarkUse{Kind::kBecomes, 0x1000, 0x3000}));
  EXPECT_THAT(UsesOf({MergeMark{MarkOf::kConnection, 0x1000, 0x3000}}), IsEmpty());
}

// As older iptables-nft(8) has them.
TEST(NftMarkTest, WhatAnExtensionOfXtablesLooksForAndSets) {
  SecretBuffer bytes;
  uint32_t sequence = 0;
  netlink::MessageWriter out(bytes, sequence);
  out.Begin(0, 0, nfgenmsg{});
  const auto put = [&](const char* kind, uint16_t name, uint16_t revision, uint16_t info,
                       const char* extension, uint32_t number, const auto& contents) {
    out.Nest(NFTA_LIST_ELEM, [&] {
      out.PutString(NFTA_EXPR_NAME, kind);
      out.Nest(NFTA_EXPR_DATA, [&] {
        out.PutString(name, extension);
        out.Put(revision, htonl(number));
        out.Put(info, &contents, sizeof contents);
      });
    });
  };
  const auto match = [&](const char* name, uint32_t revision, const xt_mark_mtinfo1& info) {
    put("match", NFTA_MATCH_NAME, NFTA_MATCH_REV, NFTA_MATCH_INFO, name, revision, info);
  };
  match("mark", 1, {0x4000, 0xc000, 0});
  match("mark", 1, {0, 0xff, 1});
  match("mark", 1, {0x77, 0xff, 1});
  match("connmark", 1, {1, 1, 0});
  match("mark", 9, {2, 2, 0});
  put("target", NFTA_TARGET_NAME, NFTA_TARGET_REV, NFTA_TARGET_INFO, "MARK", 2,
      xt_mark_tginfo2{0x77, UINT32_MAX});
  ASSERT_TRUE(out.ok());
  EXPECT_THAT(MarkUsesOf(netlink::Bytes(bytes.bytes()).subspan(NLMSG_LENGTH(sizeof(nfgenmsg)))),
              ElementsAre(MarkUse{Kind::kIs, 0x4000, 0xc000}, MarkUse{Kind::kHasAny, 0, 0xff},
                          MarkUse{Kind::kBecomes, 0x77, UINT32_MAX}));
}

TEST(NftMarkTest, WhichMarksAreConcerned) {
  EXPECT_TRUE(Concerns({Kind::kIs, 0x4000, 0x4000}, 0xca6c));
  EXPECT_FALSE(Concerns({Kind::kIs, 0x4000, 0xc000}, 0xca6c));
  EXPECT_FALSE(Concerns({Kind::kIs, 0, 0x1000}, 0xca6c));
  EXPECT_TRUE(Concerns({Kind::kHasAny, 0, 0xf}, 0xca6c));
  EXPECT_FALSE(Concerns({Kind::kHasAny, 0, 0x3}, 0xca6c));
  EXPECT_FALSE(Concerns({Kind::kHasAny, 0, UINT32_MAX}, 0xca6c));
  EXPECT_TRUE(Concerns({Kind::kBecomes, 0xca6c, 0xffff}, 0xca6c));
  EXPECT_FALSE(Concerns({Kind::kBecomes, 0x4000, 0x4000}, 0xca6c));
}

TEST(NftMarkTest, InWords) {
  EXPECT_EQ(TextOf({Kind::kIs, 0x77, UINT32_MAX}), "looks for 0x77");
  EXPECT_EQ(TextOf({Kind::kIs, 0x77, 0xff}), "looks for 0x77/0xff");
  EXPECT_EQ(TextOf({Kind::kHasAny, 0, 0xff}), "looks for any bit of 0xff");
  EXPECT_EQ(TextOf({Kind::kBecomes, 0x77, UINT32_MAX}), "sets 0x77");
}

}  // namespace
}  // namespace wgnet::kernel::nft
