// SPDX-License-Identifier: MIT OR Apache-2.0
// schema/wgnet-1.schema.json says what the library writes and reads, and nothing else.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "tests/support/model_kernel.h"
#include "tests/support/sandbox.h"
#include "tests/support/world.h"
#include "tests/unit/builder_table.h"
#include "wgnet/plan.h"
#include "wgnet/snapshot.h"
#include "wgnet/watch.h"

namespace wgnet {
namespace {

using Json = nlohmann::json;
using testing::ModelKernel;

const char kSchemaPath[] = WGNET_SOURCE_DIR "/schema/wgnet-1.schema.json";

const Json& Schema() {
  static const Json schema = Json::parse(std::ifstream(kSchemaPath));
  return schema;
}

std::set<std::string> PropertiesOf(const std::string& definition) {
  std::set<std::string> names;
  for (const auto& [name, value] : Schema()["$defs"][definition]["properties"].items()) {
    names.insert(name);
  }
  return names;
}

template <class Builder>
std::set<std::string> Options(std::set<std::string> others = {}) {
  for (const std::string& name : testing::OptionNames<Builder>()) others.insert(name);
  return others;
}

TEST(SchemaTest, HasTheOptionsOfTheBuilders) {
  EXPECT_EQ(PropertiesOf("node"), Options<Node>({"schema"}));
  EXPECT_EQ(PropertiesOf("interface"), Options<Interface>());
  EXPECT_EQ(PropertiesOf("peer"), Options<Peer>());
  EXPECT_EQ(PropertiesOf("policy_route"), Options<PolicyRoute>());
  EXPECT_EQ(PropertiesOf("nat_rule"), Options<NatRule>());
  EXPECT_EQ(PropertiesOf("forward_rule"), Options<ForwardRule>());
  EXPECT_EQ(PropertiesOf("dns"), Options<Dns>());
  EXPECT_EQ(PropertiesOf("kill_switch"), Options<KillSwitch>());
}

template <class Object>
void ExpectRows(std::set<std::string>& kinds) {
  const std::string kind(netlink::Schema<Object>::kName);
  std::set<std::string> rows;
  netlink::ForEachRow<Object>([&](const auto& row) {
    if (!row.json.empty()) rows.emplace(row.json);
  });
  EXPECT_EQ(PropertiesOf("object_" + kind), rows) << kind;
  kinds.insert(kind);
}

template <size_t... I>
std::set<std::string> ExpectAllRows(std::index_sequence<I...>) {
  std::set<std::string> kinds;
  (ExpectRows<std::variant_alternative_t<I, kernel::Object>>(kinds), ...);
  return kinds;
}

TEST(SchemaTest, HasTheRowsOfTheKernelObjects) {
  auto kinds = ExpectAllRows(std::make_index_sequence<std::variant_size_v<kernel::Object>>());
  kinds.insert("hook");
  EXPECT_EQ(Schema()["$defs"]["op"]["properties"]["kind"]["enum"].get<std::set<std::string>>(),
            kinds);
}

TEST(SchemaTest, HasTheErrorCodes) {
  std::set<std::string> codes;
  for (int code = 1; ErrorCodeName(ErrorCode(code)) != "unknown"; ++code) {
    codes.emplace(ErrorCodeName(ErrorCode(code)));
  }
  const Json& known = Schema()["$defs"]["error"]["properties"]["error"]["properties"]["code"];
  EXPECT_EQ(known["enum"].get<std::set<std::string>>(), codes);
}

TEST(SchemaTest, HasTheKindsOfEvents) {
  std::set<std::string> kinds;
  for (int kind = 1; kind <= static_cast<int>(Event::Kind::kSuperseded); ++kind) {
    kinds.emplace(EventKindName(Event::Kind(kind)));
  }
  const Json& known = Schema()["$defs"]["event"]["properties"]["event"]["properties"]["kind"];
  EXPECT_EQ(known["enum"].get<std::set<std::string>>(), kinds);
}

// ---- documents that the library writes ----

std::string PlanText(const plan::PlanData& data, Secrets secrets) {
  return Plan(std::make_shared<plan::PlanData>(data)).ToJson(secrets);
}

// Plans that make, change and remove everything.
std::vector<std::string> Plans(const std::vector<Node>& nodes) {
  std::vector<std::string> texts;
  ModelKernel kernel;
  for (const Node& node : nodes) {
    const plan::PlanData data = kernel.Apply("owner", node);
    texts.push_back(PlanText(data, Secrets::kHide));
    texts.push_back(PlanText(data, Secrets::kReveal));
    texts.push_back(Plan(std::make_shared<plan::PlanData>(data)).Undo().ToJson());
  }
  return texts;
}

std::vector<std::string> Snapshots() {
  const SecretKey key = SecretKey::GeneratePrivate();
  const Snapshot snapshot{
      .devices = {{.name = "wg0"},
                  {.name = "wg1",
                   .private_key = key,
                   .public_key = key.Public(),
                   .listen_port = 65535,
                   .fwmark = UINT32_MAX,
                   .peers = {{.public_key = key.Public()},
                             {.public_key = key.Public(),
                              .preshared_key = key,
                              .endpoint = *Endpoint::Parse("[fe80::1%eth0]:1"),
                              .allowed_ips = {*Prefix::Parse("::/0")},
                              .last_handshake_seconds = 1,
                              .last_handshake_nanoseconds = 2,
                              .rx_bytes = UINT64_MAX,
                              .persistent_keepalive = 65535}}}},
      .owners = {{.owner = "wg-quick:wg0", .interfaces = {"wg0"}, .objects = 3, .missing = 1}}};
  return {Snapshot().ToJson(), snapshot.ToJson(), snapshot.ToJson(Secrets::kReveal)};
}

std::vector<std::string> Recoveries() {
  const RollbackReport rollback{
      .undone = 3, .lossy = {"a session"}, .leftovers = {{"ip link del wg0", "why"}}};
  return {RecoveryReport{}.ToJson(),
          RecoveryReport{.cut_off = {{"a", {}}, {"b", rollback}}}.ToJson(),
          RecoveryReport{.owners = {{"a", 0}, {"b", 2}}, .warnings = {"w"}}.ToJson()};
}

std::vector<std::string> Events() {
  std::vector<std::string> texts;
  for (int kind = 1; kind <= static_cast<int>(Event::Kind::kSuperseded); ++kind) {
    texts.push_back(Event{.kind = Event::Kind(kind)}.ToJson());
  }
  const Event whole{.kind = Event::Kind::kRepaired,
                    .object = "route",
                    .command = "ip route add 10.0.0.0/8 dev wg0",
                    .changes = {{"dev", "wg0", ""}},
                    .interface = "wg0",
                    .peer = testing::TestKey("peer").Public(),
                    .endpoint = *Endpoint::Parse("192.0.2.1:1"),
                    .previous = *Endpoint::Parse("[fe80::1%eth0]:1"),
                    .steps = 0,
                    .warnings = {"w"},
                    .error = Error{.code = ErrorCode::kBusy, .message = "m"}};
  texts.push_back(whole.ToJson());
  return texts;
}

std::vector<std::string> Errors() {
  Error whole{.code = ErrorCode::kRollbackIncomplete,
              .message = "m",
              .where = "w",
              .hint = "h",
              .step = 1,
              .steps = 2,
              .command = "c",
              .error_number = 1,
              .kernel_message = "k",
              .kernel_attribute = "a",
              .rollback = RollbackReport{.undone = 1, .lossy = {"l"}, .leftovers = {{"c", "r"}}}};
  std::vector<std::string> texts = {Error{}.ToJson(), whole.ToJson()};
  for (int code = 1; ErrorCodeName(ErrorCode(code)) != "unknown"; ++code) {
    texts.push_back(Error{.code = ErrorCode(code), .message = "m"}.ToJson());
  }
  const Node broken = Node().Add(Interface("a/b"));
  texts.push_back(broken.Check().error().ToJson());
  return texts;
}

std::vector<std::string> NodeTexts(const std::vector<Node>& nodes) {
  std::vector<std::string> texts;
  for (const Node& node : nodes) {
    texts.push_back(node.ToJson());
    texts.push_back(node.ToJson(Secrets::kReveal));
  }
  return texts;
}

// ---- documents that are almost right ----

// Every copy of the document with one member more, one value of no type that fits, or one required
// member less.
void Break(Json& root, Json& at, std::vector<Json>& broken) {
  if (at.is_object()) {
    at["unknown"] = 1;
    broken.push_back(root);
    at.erase("unknown");
  }
  if (!at.is_structured()) return;
  for (Json& child : at) {
    Json kept = nullptr;
    std::swap(kept, child);
    broken.push_back(root);
    std::swap(kept, child);
    Break(root, child, broken);
  }
}

std::vector<Json> Broken(const std::vector<std::string>& texts) {
  std::vector<Json> broken;
  for (const std::string& text : texts) {
    Json root = Json::parse(text);
    Break(root, root, broken);
    root.erase("schema");
    broken.push_back(root);
  }
  return broken;
}

// Values that stand at the edge of what is allowed, by the path of a member.
std::vector<Json> OutOfRange() {
  const Json node = Json::parse(testing::LargeNode(1).ToJson(Secrets::kReveal));
  const std::pair<const char*, Json> kValues[] = {
      {"/interfaces/0/name", "a/b"},
      {"/interfaces/0/name", ""},
      {"/interfaces/0/name", ".."},
      {"/interfaces/0/name", "0123456789abcdef"},
      {"/interfaces/0/name", "wg*"},
      {"/interfaces/0/listen_port", 65536},
      {"/interfaces/0/listen_port", -1},
      {"/interfaces/0/listen_port", 1.5},
      {"/interfaces/0/fwmark", 4294967296},
      {"/interfaces/0/mtu", 67},
      {"/interfaces/0/mtu", 65536},
      {"/interfaces/0/table", "0"},
      {"/interfaces/0/table", "none"},
      {"/interfaces/0/private_key", "short"},
      {"/interfaces/0/addresses/0", "host"},
      {"/interfaces/0/peers/0/public_key", ""},
      {"/interfaces/0/peers/0/endpoint", "a"},
      {"/interfaces/0/peers/0/persistent_keepalive", 65536},
      {"/policy_routes/0/table", 254},
      {"/policy_routes/0/table", 0},
      {"/policy_routes/0/priority", 32766},
      {"/policy_routes/0/fwmark", "x"},
      {"/nat_rules/0/out_interface", "*"},
      {"/forward_rules/0/one", ""},
      {"/kill_switch", Json::array()},
      {"/kill_switch/tunnels", Json::array({"wg*"})},
  };
  std::vector<Json> broken;
  for (const auto& [path, value] : kValues) {
    broken.push_back(node);
    broken.back()[Json::json_pointer(path)] = value;
  }
  return broken;
}

TEST(SchemaTest, RefusesNodesThatTheLibraryRefuses) {
  std::vector<Json> broken = Broken(NodeTexts({testing::LargeNode(1), testing::ClientNode()}));
  const auto edges = OutOfRange();
  broken.insert(broken.end(), edges.begin(), edges.end());
  for (const Json& json : broken) EXPECT_FALSE(Node::FromJson(json.dump()).ok()) << json.dump();
  EXPECT_GT(broken.size(), 100u);
}

void WriteLines(const std::string& path, const std::vector<Json>& documents) {
  std::ofstream out(path);
  for (const Json& document : documents) out << document.dump() << "\n";
}

TEST(SchemaTest, AValidatorTakesWhatTheLibraryWritesAndNothingElse) {
  const std::vector<Node> small = {testing::LargeNode(1), testing::ClientNode(), Node()};
  const std::vector<Node> large = {Node(), testing::LargeNode(20), testing::ChangedNode(20),
                                   testing::ServerNode(), Node().Add(KillSwitch())};
  std::vector<Json> good;
  for (const auto& texts :
       {NodeTexts(large), Plans(large), Snapshots(), Recoveries(), Events(), Errors()}) {
    for (const std::string& text : texts) good.push_back(Json::parse(text));
  }
  std::vector<Json> bad = OutOfRange();
  for (const auto& texts : {NodeTexts(small), Snapshots(), Recoveries(), Events(), Errors(),
                            Plans({testing::ServerNode(), Node()})}) {
    const auto broken = Broken(texts);
    bad.insert(bad.end(), broken.begin(), broken.end());
  }
  const testing::TemporaryDirectory directory;
  WriteLines(directory.path() + "/good", good);
  WriteLines(directory.path() + "/bad", bad);
  const std::string said = testing::Shell(
      fmt::format("python3 -B {}/tests/schema/validate.py {} {}/good {}/bad", WGNET_SOURCE_DIR,
                  kSchemaPath, directory.path(), directory.path()));
  EXPECT_EQ(said,
            fmt::format("{} documents accepted\n{} documents rejected\n", good.size(), bad.size()));
  std::cout << said;
}

}  // namespace
}  // namespace wgnet
