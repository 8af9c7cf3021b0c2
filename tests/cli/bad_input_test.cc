// SPDX-License-Identifier: MIT OR Apache-2.0
// Broken files, documents and command lines, given to the command itself: what it says, where the
// mistake is, and that nothing is done.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <iostream>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/kernel_state.h"
#include "tests/support/sandbox.h"

namespace wgnet::testing {
namespace {

constexpr std::string_view kPrivate = "kGZzt/CU2MVgq19ffXB2YMDSr6WIhlkdlL1MOeGH700=";
constexpr std::string_view kPeer = "HR8Kp3xWIt2rNdS3aaCk+Ss7yQqC9cn6h3WS6UK3WE0=";
constexpr std::string_view kOther = "t95vF4b11RLCId3ArVVIJoC5Ih9CNbI0VTNuDuEzZyw=";

struct Input {
  std::string line;  // what follows `wgnet`, for a shell
  std::string conf;  // the file wg9.conf, if it is not the good one
  std::string json;  // the file node.json, likewise
  int status = 1;
  std::string place;  // the message begins with it
  std::string hint;   // and its hint has this
};

// ---- files ----

const std::string kInterface = fmt::format("[Interface]\nPrivateKey = {}\n", kPrivate);
const std::string kWithPeer = fmt::format("{}[Peer]\nPublicKey = {}\n", kInterface, kPeer);

struct Broken {
  std::string text;
  std::string place;
  std::string hint;
};

std::vector<Broken> Confs() {
  const std::string key(kPrivate);
  return {
      {"ListenPort = 1\n", "1:1: ListenPort", "put [Interface] above it"},
      {"PrivateKey = " + key + "\n", "1:1: PrivateKey", "put [Interface] above it"},
      {"[Interfaces]\nPrivateKey = " + key + "\n", "1:1:", "did you mean [Interface]?"},
      {"[" + key + "]\n", "1:1:", "[Interface] or [Peer]"},
      {"[Interface]\nPrivateKey = " + key + "x\n", "2:14: PrivateKey", "44 characters of base64"},
      {"[Interface]\nPrivateKey =\n" + key + "\n", "2:13: PrivateKey", "value"},
      {kInterface + "Port = 1\n", "3:1:", "[Interface] knows PrivateKey, ListenPort"},
      {kInterface + key + "\n", "3:1:", "[Interface] knows PrivateKey, ListenPort"},
      {kInterface + "AllowedIPs = 10.0.0.0/8\n", "3:1: AllowedIPs", "put it under [Peer]"},
      {kInterface + "ListenPort 51820\n", "3:1:", "a comment begins with `#`"},
      {kInterface + "ListenPort = 65536\n", "3:14: ListenPort", "0 to 65535"},
      {kInterface + "ListenPort = " + key + "\n", "3:14: ListenPort", "0 to 65535"},
      {kInterface + "FwMark = 0x100000000\n", "3:10: FwMark", "0 to 4294967295"},
      {kInterface + "MTU = 67\n", "3:7: MTU", "68 to 65535 bytes"},
      {kInterface + "MTU = 1279\nAddress = fd00::1/64\n", "3:7: MTU", "at least 1280"},
      {kInterface + "Address = 10.0.0.1/33\n", "3:11: Address", "0 to 32 for IPv4"},
      {kInterface + "Address = 10.0.0.1, \xff\xfe\n", "3:21: Address", "such as 10.0.0.0/24"},
      {kInterface + "\xff\xfe = 1\n", "3:1:", "[Interface] knows"},
      {kInterface + std::string("ListenPort = 1\0\n", 16), "3:15:", "plain UTF-8 text"},
      {"\xef\xbb\xbf" + kInterface, "1:1:", "without BOM"},
      {kInterface + "Table = 0\n", "3:9: Table", "/etc/iproute2/rt_tables"},
      {kInterface + "SaveConfig = yes\n", "3:14: SaveConfig", "true or false"},
      {kInterface + "[Peer]\nAllowedIPs = 10.0.0.0/8\n", "3:1:", "add PublicKey = KEY"},
      {kInterface + "[Peer]\nPublicKey = abc\n", "4:13: PublicKey", "44 characters of base64"},
      {kWithPeer + "PresharedKey = " + key + key + "\n", "5:16: PresharedKey", "`wg genkey`"},
      {kWithPeer + "Endpoint = 192.0.2.1\n", "5:12: Endpoint", "host:51820"},
      {kWithPeer + "Endpoint = " + key + ":1\n", "5:12: Endpoint", "host:51820"},
      {kWithPeer + "AllowedIPs = 10.0.0.0/8, fd00::/129\n", "5:26: AllowedIPs", "0 to 128"},
      {kWithPeer + "PersistentKeepalive = 65536\n", "5:23: PersistentKeepalive", "1 to 65535"},
  };
}

// Whole files, with lines that are not carried out.
const Broken kWithHooks = {
    kInterface + "DNS = 192.0.2.53\nPostUp = wg set %i private-key " + std::string(kPrivate) + "\n",
    " these lines are carried out by up and down only: 4 (PostUp)", "--skip hooks"};

// A document whose third line is the rest of an interface.
std::string WithInterface(std::string_view rest) {
  constexpr std::string_view kDocument =
      "{{\"schema\": \"wgnet/1\", \"interfaces\": [\n"
      "{{\"name\": \"wg9\", \"private_key\": \"{}\",\n{}}}]}}";
  return fmt::format(kDocument, kPrivate, rest);
}

std::string Document(std::string_view members) {
  return fmt::format("{{\"schema\": \"wgnet/1\",\n{}}}", members);
}

std::vector<Broken> Documents() {
  const std::string key = fmt::format("\"{}\"", kPrivate);
  const std::string own = fmt::format(R"("peers": [{{"public_key": "{}"}}])", kOther);
  const std::string peer = R"("peers": [{"public_key": )";
  return {
      {R"({"interfaces": []})", " schema:", R"({ "schema": "wgnet/1")"},
      {R"({"schema": "wgnet/2"})", " schema:", R"({ "schema": "wgnet/1")"},
      {R"({"schema": )" + key + "}", " schema:", R"({ "schema": "wgnet/1")"},
      {WithInterface(""), "3:1:", "RFC 8259"},
      {WithInterface(R"("mtu": 1400,)"), "3:13:", "RFC 8259"},
      {WithInterface("\"table\": \"\xff\""), "3:11:", "RFC 8259"},
      {WithInterface(R"("mtu": 1400 // small)"), "3:13:", "RFC 8259"},
      {WithInterface(R"("mtu": 1400)") + "{}", "3:15:", "RFC 8259"},
      {WithInterface(R"("private_key": )" + key), " interfaces[0].private_key:", "JSON Schema"},
      {WithInterface(R"("post_up": "reboot")"), " interfaces[0].post_up:", "known here: name"},
      {WithInterface(key + ": 1"), " interfaces[0][(hidden", "known here: name"},
      {WithInterface(R"("mtu": "1400")"), " interfaces[0].mtu: a string", "JSON Schema"},
      {WithInterface(R"("listen_port": 1.5)"), " interfaces[0].listen_port:", "JSON Schema"},
      {WithInterface(R"("listen_port": 65536)"), " interfaces[0].listen_port:", "0 to 65535"},
      {WithInterface(R"("fwmark": 4294967296)"), " interfaces[0].fwmark:", "JSON Schema"},
      {WithInterface(R"("fwmark": )" + key), " interfaces[0].fwmark: a string", "JSON Schema"},
      {WithInterface(R"("table": )" + key), " interfaces[0].table:", "a number from 1 on"},
      {WithInterface(R"("addresses": ["10.0.0.1/24", "10.0.0"])"),
       " interfaces[0].addresses[1]:", "such as 10.0.0.0/24"},
      {WithInterface(peer + "[" + key + "]}]"), " interfaces[0].peers[0].public_key: a list",
       "JSON Schema"},
      {WithInterface(R"("peers": [{}])"),
       " interfaces[0].peers[0].public_key: the member is missing", "add it"},
      {WithInterface(own), " Interface(\"wg9\").Peer(", "the key of the other side"},
      {Document(R"("interfaces": [{"name": "a_name_of_17_byte"}])"),
       " interfaces[0].name:", "1 to 15 bytes"},
      {Document(R"("resolver": [])"), " resolver:", "known here: schema, interfaces"},
      {Document(R"("dns": [{"interface": "wg9", "servers": ["10.0.0"]}])"),
       " dns[0].servers[0]:", "fd00::1"},
      {Document(R"("dns": [{"interface": "wg9", "exclusive": 1}])"),
       " dns[0].exclusive:", "JSON Schema"},
      {Document(R"("nat_rules": {})"), " nat_rules: an object", "JSON Schema"},
      {Document(R"("nat_rules": [{}])"), " NatRule:", "say Source"},
      {Document(R"("policy_routes": [{"interface": "wg9", "table": 255}])"),
       " policy_routes[0].table:", "the system's"},
  };
}

// ---- command lines ----

struct Line {
  std::string words;
  int status;
  std::string place;
  std::string hint;
};

// Both files are good ones here.
std::vector<Line> Lines() {
  const std::string key(kPrivate);
  const std::string peer(kPeer);
  return {
      {"", 2, "A subcommand is required", "wgnet --help"},
      {"bogus", 2, "neither a subcommand nor an option: bogus", "wgnet --help"},
      {"--bogus up ./wg9.conf", 2, "The following argument was not expected: --bogus", "--help"},
      {"up", 2, "input is required", "wgnet --help"},
      {"up ./wg9.conf more", 2, "The following argument was not expected: more", "--help"},
      {"up ./wg9.conf --exit-code", 2, "The following argument was not expected: --exit-code",
       "--help"},
      {"up a/b@c.conf/", 1, "a/b@c.conf/:", "./NAME.conf"},
      {"up a@b", 2, "input:", "wgnet --help"},
      {"up no-such-name", 1, "/etc/wireguard/no-such-name.conf:", "./NAME.conf"},
      {"apply ./missing.conf", 1, "./missing.conf:", "./NAME.conf"},
      {"plan missing.json", 1, "missing.json:", "a file elsewhere"},
      {"apply ./", 1, "./: cannot be read: Is a directory", "a file, or a pipe"},
      {"apply - <wg9.conf", 1, "<stdin>:", "give --interface NAME"},
      {"apply ./wg9.conf --skip hooks,more", 2, "--skip:", "wgnet --help"},
      {"apply ./wg9.conf --owner a/b", 1, "owner:", "not beginning with a dot"},
      {"apply ./wg9.conf --owner", 2, "--owner:", "wgnet --help"},
      {"apply ./wg9.conf --netns nowhere", 1, "netns:", "ip netns list"},
      {"--netns /dev/null apply ./wg9.conf", 1, "netns:", "/proc/PID/ns/net"},
      {"apply ./wg9.conf --interface a/b", 1, "--interface:", "1 to 15 bytes"},
      {"apply node.json --interface wg9", 1, "node.json: --interface", "leave --interface out"},
      {"--state-dir /dev/null apply ./wg9.conf", 1, "state_dir:", "of its own"},
      {"plan node.json --script no/such", 1, "directory:", "name a new directory"},
      {"down", 2, "input is required", "wgnet --help"},
      {"down no-such-name", 1, "no-such-name is not up", "wgnet status"},
      {"save ./wg9.conf", 1, "there is no WireGuard interface wg9", "wgnet show interfaces"},
      {"save no-such-name", 1, "/etc/wireguard/no-such-name.conf:", "./NAME.conf"},
      {"strip ./node.json", 2, "input:", "wgnet --help"},
      {"delete a/b", 1, "owner:", "not beginning with a dot"},
      {"delete nobody", 1, "the owner nobody has nothing here", "wgnet status"},
      {"show wg9 bogus", 2, "field: bogus", "wgnet --help"},
      {"pubkey " + key, 2, "argument 4: a key", "make a new one"},
      {"show set " + key, 2, "argument 5: a key", "make a new one"},
      {"show --json=" + key, 2, "argument 4: a key", "make a new one"},
      {"apply ./wg9.conf --revoke " + peer, 2, "--revoke requires --confirm", "wgnet --help"},
      {"apply ./wg9.conf --confirm 9 --revoke " + peer + " " + key, 2, "argument 9: a key",
       "make a new one"},
      {"set wg9 private-key " + key, 1, "a key file:", "from a file"},
      {"set wg9 listen-port " + key, 1, "DeviceUpdate(\"wg9\").ListenPort:", "0 to 65535"},
      {"set wg9 " + key, 1, "Invalid argument: (a key)", "`wg set` alone"},
  };
}

// ---- the table ----

Input OfConf(std::string_view command, const Broken& conf) {
  return {.line = fmt::format("{} ./wg9.conf", command),
          .conf = conf.text,
          .place = "./wg9.conf:" + conf.place,
          .hint = conf.hint};
}

Input OfDocument(std::string_view command, const Broken& document) {
  return {.line = fmt::format("{} node.json", command),
          .json = document.text,
          .place = "node.json:" + document.place,
          .hint = document.hint};
}

std::vector<Input> Inputs() {
  std::vector<Input> inputs = {OfConf("plan", kWithHooks), OfConf("apply", kWithHooks)};
  for (const char* command : {"plan", "apply", "up"}) {
    for (const Broken& each : Documents()) inputs.push_back(OfDocument(command, each));
  }
  for (const char* command : {"plan", "apply", "up", "save", "strip"}) {
    for (const Broken& each : Confs()) inputs.push_back(OfConf(command, each));
  }
  for (const auto& [words, status, place, hint] : Lines()) {
    inputs.push_back({.line = words, .status = status, .place = place, .hint = hint});
  }
  return inputs;
}

void Write(const char* file, std::string_view text) { std::ofstream(file) << text; }

std::string Read(const char* file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

// Runs the command in the working directory; its output is in the files out and err.
int Run(const std::string& line) {
  const bool has_state = line.find("--state-dir") != line.npos;
  const std::string words = (has_state ? "" : "--state-dir state ") + line;
  return std::stoi(
      Shell(fmt::format("{} </dev/null {} >out 2>err; echo $?", WGNET_COMMAND, words)));
}

// A key, or a part of one that nobody would guess.
bool HasKey(std::string_view text) {
  constexpr size_t kPart = 12;
  for (size_t i = 0; i + kPart <= kPrivate.size(); ++i) {
    if (text.find(kPrivate.substr(i, kPart)) != text.npos) return true;
  }
  return false;
}

// What is not as it must be.
std::string Judge(const Input& input) {
  Write("wg9.conf", input.conf.empty() ? kInterface : input.conf);
  Write("node.json", input.json.empty() ? WithInterface(R"("mtu": 1400)") : input.json);
  const int status = Run(input.line);
  const std::string error = Read("err");
  const size_t hint = error.find("\n  hint: ");
  std::string wrong;
  if (status != input.status) wrong += fmt::format(" status {}", status);
  if (!Read("out").empty()) wrong += " output";
  if (!error.starts_with("wgnet: " + input.place)) wrong += " place";
  if (hint == error.npos || error.find(input.hint, hint) == error.npos) wrong += " hint";
  if (HasKey(error + Read("out"))) wrong += " a key";
  if (wrong.empty()) return "";
  return fmt::format("wgnet {}\n{}{}: wrong{}\n{}\n", input.line, input.conf, input.json, wrong,
                     error);
}

// ---- the kernel ----

std::string State() {
  return Shell(
      "ip -d link; ip -d address\n"
      "for family in -4 -6; do ip -d $family rule; ip -d $family route show table all; done\n"
      "nft list ruleset; find . -name '*.record' -exec cat {} +");
}

constexpr const char* kNeighbours =
    "ip link add eth0 type ifb && ip link set eth0 addrgenmode none && ip link set eth0 up &&"
    "ip address add 192.168.5.1/24 dev eth0 && ip address add 2001:db8::1/64 dev eth0 nodad &&"
    "ip rule add to 10.1.0.0/16 lookup 77 && ip route add 10.1.0.0/16 dev eth0 table 77 &&"
    "nft add table inet other";

std::string JudgeAll() {
  const TemporaryDirectory directory;
  if (chdir(directory.path().c_str()) != 0) return "chdir failed";
  std::string wrong = Shell(kNeighbours);
  const std::string empty = State();
  Write("good.json", Document(R"("nat_rules": [{"out_interface": "eth0"}])"));
  if (Run("apply good.json") != 0) wrong += "a good input is refused: " + Read("err");
  const std::string before = State();
  if (DifferenceOf(empty, before).empty()) wrong += "what is done is not seen\n";
  for (const Input& input : Inputs()) wrong += Judge(input);
  return wrong + DifferenceOf(before, State());
}

TEST(BadInputTest, IsRefusedWithItsPlaceAndAHintAndChangesNothing) {
  EXPECT_EQ(InNewNamespace(JudgeAll, 300), "");
  std::cout << Inputs().size() << " broken inputs\n";
}

TEST(BadInputTest, TheTableIsLargeAndHasKeys) {
  std::set<std::string> different;
  size_t keys = 0;
  for (const Input& input : Inputs()) {
    EXPECT_TRUE(different.insert(input.line + input.conf + input.json).second) << input.line;
    keys += HasKey(input.line + input.conf + input.json) ? 1 : 0;
  }
  EXPECT_GE(different.size(), 100u);
  EXPECT_GE(keys, 50u);
}

}  // namespace
}  // namespace wgnet::testing
