// SPDX-License-Identifier: MIT OR Apache-2.0
// Plans and snapshots as JSON.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/model_kernel.h"
#include "tests/support/world.h"
#include "wgnet/plan.h"
#include "wgnet/snapshot.h"

namespace wgnet {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Json = nlohmann::json;
using testing::ModelKernel;

Plan PlanOf(ModelKernel& kernel, const Node& node) {
  return Plan(std::make_shared<plan::PlanData>(kernel.Apply("owner", node)));
}

Json OpsOf(const Plan& plan, Secrets secrets = Secrets::kHide) {
  return Json::parse(plan.ToJson(secrets))["ops"];
}

TEST(PlanJsonTest, ARuleIsWrittenAsNftSaysIt) {
  ModelKernel kernel;
  const Json ops = OpsOf(PlanOf(kernel, Node().Add(NatRule().OutInterface("eth*"))));
  ASSERT_EQ(ops.size(), 2u);
  EXPECT_EQ(ops[1]["kind"], "nft_chain");
  EXPECT_EQ(ops[1]["object"]["rules"], Json::parse(R"(["oifname \"eth*\" masquerade"])"));
}

TEST(PlanJsonTest, AWrittenSettingNamesWhatItMoves) {
  ModelKernel kernel;
  const Node node =
      Node().Add(Interface("wg0").Address("fd00::1/64")).Add(ForwardRule().Between("wg0", "eth0"));
  PlanOf(kernel, node);
  size_t footprints = 0;
  for (const Json& op : OpsOf(PlanOf(kernel, Node()))) {
    if (op["object"].value("name", "") != "net/ipv6/conf/all/forwarding") continue;
    EXPECT_EQ(op["object"]["footprint"]["net/ipv6/conf/eth0/forwarding"], "0");
    ++footprints;
  }
  EXPECT_EQ(footprints, 1u);
}

TEST(PlanJsonTest, OnlyAChangeHasABefore) {
  ModelKernel kernel;
  PlanOf(kernel, testing::LargeNode());
  size_t changes = 0;
  for (const Json& op : OpsOf(PlanOf(kernel, testing::ChangedNode()))) {
    EXPECT_EQ(op.contains("before"), op["verb"] == "change");
    changes += op["verb"] == "change" ? 1 : 0;
  }
  EXPECT_GT(changes, 3u);
}

TEST(PlanJsonTest, HasTheStepsOfThePlan) {
  ModelKernel kernel;
  const Plan plan = PlanOf(kernel, testing::LargeNode());
  const Json document = Json::parse(plan.ToJson());
  EXPECT_EQ(document["schema"], "wgnet/1");
  EXPECT_EQ(document["owner"], "owner");
  const Json& ops = document["ops"];
  ASSERT_EQ(ops.size(), plan.size());
  for (size_t i = 0; i < ops.size(); ++i) {
    EXPECT_EQ(ops[i]["verb"], plan.ops()[i].verb);
    EXPECT_EQ(ops[i]["kind"], plan.ops()[i].kind);
    EXPECT_EQ(ops[i]["commands"].get<std::vector<std::string>>(), plan.ops()[i].commands);
  }
}

TEST(PlanJsonTest, ShowsKeysOnlyWhenAsked) {
  ModelKernel kernel;
  const Node node = testing::LargeNode();
  const Plan plan = PlanOf(kernel, node);
  size_t keys = 0;
  const auto expect_hidden = [&](const std::optional<SecretKey>& key) {
    if (!key) return;
    EXPECT_THAT(plan.ToJson(), Not(HasSubstr(key->Reveal())));
    EXPECT_THAT(plan.Explain(), Not(HasSubstr(key->Reveal())));
    ++keys;
  };
  for (const Interface& interface : node.interfaces()) {
    expect_hidden(interface.private_key());
    expect_hidden(interface.private_key()->Clamped());
    EXPECT_THAT(plan.ToJson(Secrets::kReveal),
                HasSubstr(interface.private_key()->Clamped().Reveal()));
    for (const Peer& peer : interface.peers()) expect_hidden(peer.preshared_key());
  }
  EXPECT_GT(keys, 6u);
}

// ---- snapshots ----

TEST(SnapshotJsonTest, HasEverythingThatIsKnown) {
  const SecretKey key = *SecretKey::Parse("kGZzt/CU2MVgq19ffXB2YMDSr6WIhlkdlL1MOeGH700=");
  const Snapshot snapshot{
      .devices = {{.name = "wg0",
                   .private_key = key,
                   .public_key = key.Public(),
                   .listen_port = 51820,
                   .fwmark = 7,
                   .mtu = 1420,
                   .addresses = {*Prefix::Parse("10.0.0.1/24")},
                   .peers = {{.public_key = key.Public(),
                              .endpoint = *Endpoint::Parse("192.0.2.1:5"),
                              .allowed_ips = {*Prefix::Parse("10.0.0.0/8")},
                              .last_handshake_seconds = 1,
                              .last_handshake_nanoseconds = 2,
                              .rx_bytes = UINT64_MAX,
                              .tx_bytes = 4,
                              .persistent_keepalive = 25}}}},
      .owners = {{.owner = "gateway", .interfaces = {"wg0"}, .objects = 9, .missing = 1}}};
  Json expected = Json::parse(R"({
    "schema": "wgnet/1",
    "devices": [{"name": "wg0", "listen_port": 51820, "fwmark": 7,
                 "mtu": 1420, "addresses": ["10.0.0.1/24"],
                 "peers": [{"endpoint": "192.0.2.1:5", "allowed_ips": ["10.0.0.0/8"],
                            "last_handshake": {"seconds": 1, "nanoseconds": 2},
                            "rx_bytes": 18446744073709551615, "tx_bytes": 4,
                            "persistent_keepalive": 25}]}],
    "owners": [{"owner": "gateway", "interfaces": ["wg0"], "objects": 9, "missing": 1}]})");
  Json& device = expected["devices"][0];
  device["private_key"] = "(hidden)";
  device["public_key"] = key.Public().ToString();
  device["peers"][0]["public_key"] = key.Public().ToString();
  EXPECT_EQ(Json::parse(snapshot.ToJson()), expected);
  device["private_key"] = key.Reveal();
  EXPECT_EQ(Json::parse(snapshot.ToJson(Secrets::kReveal)), expected);
}

TEST(SnapshotJsonTest, AnEmptyOneHasEmptyLists) {
  EXPECT_EQ(Json::parse(Snapshot().ToJson()),
            Json::parse(R"({"schema": "wgnet/1", "devices": [], "owners": []})"));
}

}  // namespace
}  // namespace wgnet
