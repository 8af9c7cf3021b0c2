// SPDX-License-Identifier: MIT OR Apache-2.0
// Broken files, documents, builders and options: each is an error with its code, its place and what
// to do about it, and the kernel stays as it was.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <set>
#include <vector>

#include "src/base/try.h"
#include "tests/support/fake_names.h"
#include "tests/support/kernel_state.h"
#include "tests/support/world.h"
#include "wgnet/conf.h"
#include "wgnet/session.h"

namespace wgnet::testing {
namespace {

constexpr std::string_view kPrivate = "kGZzt/CU2MVgq19ffXB2YMDSr6WIhlkdlL1MOeGH700=";
constexpr std::string_view kKey = "HR8Kp3xWIt2rNdS3aaCk+Ss7yQqC9cn6h3WS6UK3WE0=";
constexpr std::string_view kOther = "t95vF4b11RLCId3ArVVIJoC5Ih9CNbI0VTNuDuEzZyw=";

// A namespace in which one owner has a node, and another tries broken ones.
struct World {
  explicit World(const std::string& directory)
      : directory(directory),
        first("first", directory + "/state"),
        host("other", directory + "/state") {}
  std::string State() const { return first.State() + host.State(); }

  std::string directory;
  Host first;
  Host host;
};

struct Input {
  std::string name;
  ErrorCode code;
  std::function<Status(World&)> run;
};

// ---- how each kind of input comes in ----

Input Conf(std::string name, std::string text, ErrorCode code = ErrorCode::kParse) {
  return {"conf: " + std::move(name), code, [text = std::move(text)](World& world) -> Status {
            WGNET_ASSIGN_OR_RETURN(const auto file, ConfFile::Parse(text, "wg9.conf"));
            WGNET_ASSIGN_OR_RETURN(const Node node, file.ToNode("wg9"));
            return world.host.Apply(node);
          }};
}

Input Json(std::string name, std::string text, ErrorCode code = ErrorCode::kParse) {
  return {"json: " + std::move(name), code, [text = std::move(text)](World& world) -> Status {
            WGNET_ASSIGN_OR_RETURN(const Node node, Node::FromJson(text));
            return world.host.Apply(node);
          }};
}

Input Built(std::string name, Node node, ErrorCode code = ErrorCode::kInvalidArgument) {
  return {"node: " + std::move(name), code,
          [node = std::move(node)](World& world) { return world.host.Apply(node); }};
}

Input Option(std::string name, ErrorCode code, std::function<void(SessionOptions&)> set) {
  return {"option: " + std::move(name), code, [set = std::move(set)](World& world) -> Status {
            SessionOptions options{.state_dir = world.directory + "/other",
                                   .userspace_implementation = ""};
            set(options);
            WGNET_ASSIGN_OR_RETURN(Session session, Session::Open(std::move(options)));
            WGNET_ASSIGN_OR_RETURN(const auto report,
                                   session.Apply(Node().Add(Interface("wg9").AddPeer(
                                       Peer(kKey).Endpoint("wgnet-test.invalid:1")))));
            static_cast<void>(report);
            return {};
          }};
}

// ---- the table ----

void AddConfs(std::vector<Input>& inputs) {
  const std::string interface = "[Interface]\n";
  const std::string peer = "[Peer]\nPublicKey = " + std::string(kKey) + "\n";
  const std::string other = "[Peer]\nPublicKey = " + std::string(kOther) + "\n";
  const std::vector<std::pair<std::string, std::string>> kBroken = {
      {"no section", "ListenPort = 1\n"},
      {"unknown section", "[Interfaces]\n"},
      {"unknown key", interface + "Port = 1\n"},
      {"key of the other section", interface + "AllowedIPs = 10.0.0.0/8\n"},
      {"no equals sign", interface + "ListenPort 51820\n"},
      {"no value", interface + "PrivateKey =\n"},
      {"short key", interface + "PrivateKey = abc=\n"},
      {"key that is not canonical",
       interface + "PrivateKey = kGZzt/CU2MVgq19ffXB2YMDSr6WIhlkdlL1MOeGH701=\n"},
      {"zero public key", "[Peer]\nPublicKey = " + std::string(43, 'A') + "=\n"},
      {"no public key", interface + "[Peer]\nAllowedIPs = 10.0.0.0/8\n"},
      {"large port", interface + "ListenPort = 65536\n"},
      {"negative port", interface + "ListenPort = -1\n"},
      {"large mark", interface + "FwMark = 0x100000000\n"},
      {"address out of range", interface + "Address = 10.0.0.256/24\n"},
      {"prefix too long", interface + "Address = 10.0.0.1/33\n"},
      {"small MTU", interface + "MTU = 67\n"},
      {"MTU too small for IPv6", interface + "Address = fd00::1/64\nMTU = 1279\n"},
      {"table 0", interface + "Table = 0\n"},
      {"unknown table", interface + "Table = no-such-table\n"},
      {"SaveConfig", interface + "SaveConfig = yes\n"},
      {"allowed IP", peer + "AllowedIPs = 10.0.0.0/8, fd00::/129\n"},
      {"allowed IP of two peers",
       peer + "AllowedIPs = 10.0.0.0/8\n" + other + "AllowedIPs = 10.0.0.0/8\n"},
      {"endpoint without port", peer + "Endpoint = 192.0.2.1\n"},
      {"endpoint with a bad host", peer + "Endpoint = $(id):1\n"},
      {"keepalive", peer + "PersistentKeepalive = 65536\n"},
      {"NUL byte", interface + std::string("ListenPort = 1\0\n", 16)},
      {"byte order mark", "\xef\xbb\xbf" + interface},
  };
  for (const auto& [name, text] : kBroken) inputs.push_back(Conf(name, text));
  inputs.push_back({"conf: missing file", ErrorCode::kIo, [](World& world) -> Status {
                      const auto file = ConfFile::Read(world.directory + "/none.conf");
                      if (!file) return file.error();
                      return {};
                    }});
  inputs.push_back({"conf: directory", ErrorCode::kIo, [](World& world) -> Status {
                      const auto file = ConfFile::Read(world.directory);
                      if (!file) return file.error();
                      return {};
                    }});
  for (const char* argument :
       {"", "a/b", "wg0.conf/", "0123456789abcdef", "..", "/etc/$(id).conf"}) {
    inputs.push_back({fmt::format("conf: named \"{}\"", argument), ErrorCode::kInvalidArgument,
                      [argument](World&) -> Status {
                        const auto location = ConfFile::Locate(argument);
                        if (!location) return location.error();
                        return {};
                      }});
  }
}

void AddDocuments(std::vector<Input>& inputs) {
  const auto with = [](std::string_view members) {
    return fmt::format(R"({{"schema": "wgnet/1", {}}})", members);
  };
  const auto in_interface = [&](std::string_view members) {
    return with(fmt::format(R"("interfaces": [{{"name": "wg9", {}}}])", members));
  };
  const std::vector<std::pair<std::string, std::string>> kBroken = {
      {"empty", ""},
      {"cut off", R"({"schema": "wgnet/1", "interfaces": [)"},
      {"no schema", R"({"interfaces": []})"},
      {"another schema", R"({"schema": "wgnet/2"})"},
      {"a list", "[]"},
      {"unknown member", with(R"("resolver": [])")},
      {"name servers of nothing", with(R"("dns": [{"servers": ["10.0.0.1"]}])")},
      {"a line in a domain", with(R"("dns": [{"interface": "wg9", "search_domains": ["a\nb"]}])")},
      {"a command", with(R"("post_up": "reboot")")},
      {"unknown member inside", in_interface(R"("post_up": "reboot")")},
      {"member twice", in_interface(R"("mtu": 1400, "mtu": 1400)")},
      {"wrong type", in_interface(R"("mtu": "1400")")},
      {"fraction", in_interface(R"("listen_port": 1.5)")},
      {"large number", in_interface(R"("fwmark": 4294967296)")},
      {"negative number", in_interface(R"("fwmark": -1)")},
      {"bad address", in_interface(R"("addresses": ["10.0.0.1/24", "10.0.0"])")},
      {"bad key", in_interface(R"("private_key": "abc")")},
      {"bad name", with(R"("interfaces": [{"name": "a/b"}])")},
      {"bad mark", with(R"("policy_routes": [{"interface": "wg9", "fwmark": "0x1/0x2"}])")},
      {"system's table", with(R"("policy_routes": [{"interface": "wg9", "table": 255}])")},
      {"too deep", std::string(1000, '[')},
  };
  for (const auto& [name, text] : kBroken) inputs.push_back(Json(name, text));
  inputs.push_back(Json("no name", with(R"("interfaces": [{}])")));
  inputs.push_back(Json("no public key", in_interface(R"("peers": [{}])")));
}

void AddInterfaces(std::vector<Input>& inputs) {
  const auto wg9 = [] { return Interface("wg9"); };
  const auto only = [](Interface interface) { return Node().Add(std::move(interface)); };
  const std::string own = SecretKey::Parse(kPrivate)->Public().ToString();
  inputs.insert(
      inputs.end(),
      {Built("no name", only(Interface())),
       Built("bad name", only(Interface("wg%d"))),
       Built("bad port", only(wg9().ListenPort(65536))),
       Built("bad MTU", only(wg9().Mtu(67))),
       Built("MTU too small for IPv6", only(wg9().Address("fd00::1/64").Mtu(1279))),
       Built("bad address", only(wg9().Address("10.0.0.0.1"))),
       Built("address twice", only(wg9().Address("10.0.0.1/24").Address("10.0.0.1/24"))),
       Built("bad table", only(wg9().Table(RouteTable::Number(0)))),
       Built("name twice", only(wg9()).Add(wg9())),
       Built("port twice", only(wg9().ListenPort(7)).Add(Interface("wg8").ListenPort(7))),
       Built("peer without key", only(wg9().AddPeer(Peer()))),
       Built("peer twice", only(wg9().AddPeer(Peer(kKey)).AddPeer(Peer(kKey)))),
       Built("own key", only(wg9().PrivateKey(kPrivate).AddPeer(Peer(own)))),
       Built("bad endpoint", only(wg9().AddPeer(Peer(kKey).Endpoint("a:b:c")))),
       Built("prefix of two peers", only(wg9()
                                             .AddPeer(Peer(kKey).AllowedIp("10.0.0.0/8"))
                                             .AddPeer(Peer(kOther).AllowedIp("10.0.0.0/8")))),
       Built("prefix of two interfaces",
             only(wg9().AddPeer(Peer(kKey).AllowedIp("10.0.0.0/8")))
                 .Add(Interface("wg8").AddPeer(Peer(kKey).AllowedIp("10.0.0.0/8")))),
       Built("name of another owner", only(Interface("wg0")), ErrorCode::kNameTaken),
       Built("name of the system", only(Interface("eth0")), ErrorCode::kNameTaken),
       Built("name of lo", only(Interface("lo")), ErrorCode::kNameTaken),
       Built("zone that is not there", only(wg9().AddPeer(Peer(kKey).Endpoint("[fe80::1%eth7]:1"))),
             ErrorCode::kNotFound),
       Built("foreign route", only(wg9().Table("77").AddPeer(Peer(kKey).AllowedIp("10.7.0.0/16"))),
             ErrorCode::kConflict)});
}

void AddRules(std::vector<Input>& inputs) {
  const auto full = [] { return PolicyRoute::FullTunnel("wg9"); };
  const auto part = [] { return PolicyRoute::ForPrefix("10.0.0.0/8", "eth0"); };
  const auto wg9 = [] { return Node().Add(Interface("wg9")); };
  Node many;
  for (int i = 0; i < 7; ++i) many.Add(NatRule().InInterface(fmt::format("in{}", i)));
  inputs.insert(
      inputs.end(),
      {Built("tunnel into nothing", Node().Add(full())),
       Built("tunnel into a foreign link", Node().Add(PolicyRoute::FullTunnel("eth0"))),
       Built("two tunnels", wg9().Add(full()).Add(full().Table(7))),
       Built("tunnel with From", wg9().Add(full().From("10.0.0.0/8"))),
       Built("two marks", Node().Add(Interface("wg9").FwMark(1)).Add(full().FwMark(2))),
       Built("route without interface", Node().Add(PolicyRoute())),
       Built("route into nothing", Node().Add(PolicyRoute::ForPrefix("10.0.0.0/8", "wg7")),
             ErrorCode::kNotFound),
       Built("route of two families", Node().Add(part().From("fd00::/8"))),
       Built("route twice", Node().Add(part()).Add(part())),
       Built("bad priority", Node().Add(part().Priority(32766))),
       Built("bad mark", Node().Add(part().FwMark(0))),
       Built("NAT of everything", Node().Add(NatRule())),
       Built("bad NAT source", Node().Add(NatRule().Source("10.0.0.0/-1"))),
       Built("bad pattern", Node().Add(NatRule().OutInterface("*"))),
       Built("no bit left", many, ErrorCode::kConflict),
       Built("forward without names", Node().Add(ForwardRule())),
       Built("bad forward name", Node().Add(ForwardRule().Between("wg0", "a b")))});
}

void AddOptions(std::vector<Input>& inputs) {
  using C = ErrorCode;
  for (const char* owner : {"", "a/b", "..", "a b", "wg-quick:", "\xc3\xa4"}) {
    inputs.push_back(Option(fmt::format("owner \"{}\"", owner), C::kInvalidArgument,
                            [owner](SessionOptions& o) { o.owner = owner; }));
  }
  const auto without_answer = [](SessionOptions& o) {
    o.resolver = std::make_shared<FakeResolver>();
  };
  inputs.insert(
      inputs.end(),
      {Option("netns that is not there", C::kNotFound, [](auto& o) { o.netns = "no-such"; }),
       Option("netns ..", C::kNotFound, [](auto& o) { o.netns = ".."; }),
       Option("netns path that is not there", C::kNotFound,
              [](auto& o) { o.netns = "/proc/self/ns/no"; }),
       Option("netns that is no namespace", C::kIo, [](auto& o) { o.netns = "/dev/null"; }),
       Option("netns that is another namespace", C::kIo,
              [](auto& o) { o.netns = "/proc/self/ns/uts"; }),
       Option("owner too long", C::kInvalidArgument, [](auto& o) { o.owner.assign(65, 'a'); }),
       Option("state_dir without parent", C::kState, [](auto& o) { o.state_dir += "/a/b"; }),
       Option("state_dir that is a device", C::kState, [](auto& o) { o.state_dir = "/dev/null"; }),
       Option("state_dir of all", C::kState,
              [](auto& o) {
                std::filesystem::create_directories(o.state_dir += "-open");
                chmod(o.state_dir.c_str(), 0777);
              }),
       Option("state_dir that is a link", C::kState,
              [](auto& o) {
                std::error_code ignored;
                std::filesystem::create_symlink("/tmp", o.state_dir += "-link", ignored);
              }),
       Option("name without address", C::kUnresolved, [](auto& o) { o.resolve_retries = 0; }),
       Option("resolver without answer", C::kUnresolved, without_answer)});
}

std::vector<Input> Inputs() {
  std::vector<Input> inputs;
  AddConfs(inputs);
  AddDocuments(inputs);
  AddInterfaces(inputs);
  AddRules(inputs);
  AddOptions(inputs);
  return inputs;
}

// What is not as it must be.
std::string Judge(const Input& input, World& world) {
  const std::string before = world.State();
  const Status status = input.run(world);
  std::string wrong;
  if (status) {
    wrong = "no error";
  } else if (status.error().code != input.code) {
    wrong = fmt::format("the code is {}", ErrorCodeName(status.error().code));
  } else if (status.error().where.empty() && status.error().command.empty()) {
    wrong = "no place";
  } else if (status.error().message.empty() || status.error().hint.empty()) {
    wrong = "no message or no hint";
  } else if (status.error().rollback) {
    wrong = "something was changed before it was found";
  }
  const std::string difference = DifferenceOf(before, world.State());
  if (!difference.empty()) wrong += " the state changed:\n" + difference;
  if (wrong.empty()) return "";
  const std::string said = status ? "" : status.error().ToString();
  return fmt::format("{}: {}\n  {}\n", input.name, wrong, said);
}

std::string JudgeAll() {
  const TemporaryDirectory directory;
  MakeUplink("eth0", "192.168.5.1/24");
  Shell("ip route add 10.7.0.0/16 dev eth0 table 77");
  World world(directory.path());
  if (const Status status = world.first.Apply(ServerNode()); !status) {
    return status.error().ToString();
  }
  std::string wrong;
  for (const Input& input : Inputs()) wrong += Judge(input, world);
  return wrong;
}

TEST(BadInputTest, EveryBrokenInputIsAnErrorThatHelpsAndChangesNothing) {
  EXPECT_EQ(InNewNamespace(JudgeAll, 300), "");
  std::cout << Inputs().size() << " broken inputs\n";
}

TEST(BadInputTest, TheTableIsLargeAndItsNamesAreUnique) {
  std::set<std::string> names;
  for (const Input& input : Inputs()) EXPECT_TRUE(names.insert(input.name).second) << input.name;
  EXPECT_GE(names.size(), 60u);
}

}  // namespace
}  // namespace wgnet::testing
