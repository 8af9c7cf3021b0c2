// SPDX-License-Identifier: MIT OR Apache-2.0
// Files for `wg setconf`, mutated: the real wg and ConfFile take the same ones, and make the same
// device of them. wg tells its device to a socket of the userspace protocol, which is this test's.
#include <gtest/gtest.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sched.h>
#include <spawn.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <thread>

#include "tests/support/sample.h"
#include "tests/support/sandbox.h"
#include "wgnet/conf.h"

extern char** environ;

namespace wgnet::testing {
namespace {

// ---- a device, as it ends ----

struct PeerModel {
  std::string preshared_key = std::string(64, '0');
  std::string endpoint;
  std::string keepalive = "0";
};

struct DeviceModel {
  std::string private_key = std::string(64, '0');
  std::string port = "0";
  std::string mark = "0";
  std::map<std::string, PeerModel> peers;
  std::map<std::string, std::string> owner_of;  // of an allowed IP: a peer

  void Replace(const std::string& peer) {
    std::erase_if(owner_of, [&](const auto& entry) { return entry.second == peer; });
  }

  std::string ToString() const {
    std::string text = "key " + private_key + " port " + port + " mark " + mark + "\n";
    for (const auto& [key, peer] : peers) {
      text += key + " psk " + peer.preshared_key + " at " + peer.endpoint + " every " +
              peer.keepalive + "\n";
    }
    for (const auto& [ip, peer] : owner_of) text += ip + " to " + peer + "\n";
    return text;
  }
};

template <class Key>
std::string Hex(const Key& key) {
  std::string text;
  char digits[3];
  for (const uint8_t byte : key.bytes()) {
    std::snprintf(digits, sizeof digits, "%02x", byte);
    text += digits;
  }
  return text;
}

// ---- what wg says ----

DeviceModel FromProtocol(const std::string& text) {
  DeviceModel device;
  std::string peer;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const size_t equal = line.find('=');
    if (equal == line.npos) continue;
    const std::string key = line.substr(0, equal);
    const std::string value = line.substr(equal + 1);
    if (key == "private_key") device.private_key = value;
    if (key == "listen_port") device.port = value;
    if (key == "fwmark") device.mark = value;
    if (key == "public_key") device.peers[peer = value];
    if (key == "preshared_key") device.peers[peer].preshared_key = value;
    if (key == "endpoint") device.peers[peer].endpoint = value;
    if (key == "persistent_keepalive_interval") device.peers[peer].keepalive = value;
    if (key == "replace_allowed_ips") device.Replace(peer);
    if (key == "allowed_ip") device.owner_of[Prefix::Parse(value)->Masked().ToString()] = peer;
  }
  return device;
}

// Hands every `set` to whoever waits for it.
class Socket {
 public:
  Socket() : listener_(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = "/var/run/wireguard/wgt.sock"};
    mkdir("/var/run/wireguard", 0700);
    EXPECT_EQ(bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(listen(listener_, 4), 0);
  }
  ~Socket() { close(listener_); }

  // What came, once the program has ended; empty if it did not speak.
  std::optional<std::string> Serve(pid_t program, int& status) {
    std::optional<std::string> text;
    while (waitpid(program, &status, WNOHANG) == 0) {
      const int peer = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (peer < 0) {
        usleep(100);
        continue;
      }
      std::string said;
      std::array<char, 4096> piece;
      while (!said.ends_with("\n\n")) {
        const ssize_t size = read(peer, piece.data(), piece.size());
        if (size <= 0) break;
        said.append(piece.data(), static_cast<size_t>(size));
      }
      if (send(peer, "errno=0\n\n", 9, MSG_NOSIGNAL) == 9 && said.starts_with("set=1\n"))
        text = said;
      close(peer);
    }
    return text;
  }

 private:
  int listener_;
};

struct Verdict {
  bool taken = false;
  std::string device;
  bool operator==(const Verdict&) const = default;
};

Verdict AskWg(Socket& socket, const std::string& text) {
  std::ofstream("/run/file", std::ios::binary) << text;
  posix_spawn_file_actions_t quiet;
  posix_spawn_file_actions_init(&quiet);
  posix_spawn_file_actions_addopen(&quiet, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  const char* words[] = {"wg", "setconf", "wgt", "/run/file", nullptr};
  pid_t program = 0;
  const int error =
      posix_spawnp(&program, "wg", &quiet, nullptr, const_cast<char**>(words), environ);
  posix_spawn_file_actions_destroy(&quiet);
  if (error != 0) return {false, "wg cannot be run"};
  int status = 0;
  const auto said = socket.Serve(program, status);
  if (status != 0) return {};
  return {true, FromProtocol(said.value_or("")).ToString()};
}

// ---- what ConfFile says ----

// As wg looks a host up: the first answer.
std::optional<std::string> LookUp(const Endpoint& endpoint) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_DGRAM;
  hints.ai_protocol = IPPROTO_UDP;
  addrinfo* found = nullptr;
  if (getaddrinfo(endpoint.host().c_str(), nullptr, &hints, &found) != 0) return std::nullopt;
  char host[NI_MAXHOST] = "";
  getnameinfo(found->ai_addr, found->ai_addrlen, host, sizeof host, nullptr, 0, NI_NUMERICHOST);
  const bool is_v6 = found->ai_family == AF_INET6;
  freeaddrinfo(found);
  const std::string shown = is_v6 ? "[" + std::string(host) + "]" : host;
  return shown + ":" + std::to_string(endpoint.port());
}

std::string WithoutBlanks(std::string_view text) {
  std::string bare;
  for (const char c : text) {
    if (std::isspace(static_cast<unsigned char>(c)) == 0) bare += c;
  }
  return bare;
}

bool IsEndpoint(std::string_view key) {
  return strcasecmp(WithoutBlanks(key).c_str(), "endpoint") == 0;
}

Verdict AskConfFile(const std::string& text) {
  const auto file = ConfFile::Parse(text, "file", ConfFile::Grammar::kWg);
  if (!file) return {};
  const auto update = file->ToDeviceUpdate("wgt", ConfFile::Update::kSet);
  if (!update) return {};
  // An endpoint is looked up even where a later one takes its place.
  for (const ConfFile::Line& line : file->lines()) {
    if (line.kind != ConfFile::LineKind::kKey || !IsEndpoint(line.key)) continue;
    const auto endpoint = Endpoint::Parse(WithoutBlanks(line.value));
    if (!endpoint || !LookUp(*endpoint)) return {};
  }
  DeviceModel device;
  if (update->private_key()) device.private_key = Hex(*update->private_key());
  device.port = std::to_string(update->listen_port().value_or(0));
  device.mark = std::to_string(update->fwmark().value_or(0));
  for (const PeerUpdate& peer : update->peers()) {
    const std::string key = Hex(peer.public_key());
    PeerModel& model = device.peers[key];
    if (peer.preshared_key()) model.preshared_key = Hex(*peer.preshared_key());
    if (peer.persistent_keepalive()) model.keepalive = std::to_string(*peer.persistent_keepalive());
    if (peer.endpoint()) model.endpoint = *LookUp(*peer.endpoint());
    if (peer.replaces_allowed_ips()) device.Replace(key);
    for (const AllowedIpEdit& edit : peer.allowed_ips()) {
      device.owner_of[edit.prefix.Masked().ToString()] = key;
    }
  }
  return {true, device.ToString()};
}

// ---- texts ----

constexpr const char* kKeys[] = {
    "kGZzt/CU2MVgq19ffXB2YMDSr6WIhlkdlL1MOeGH700=", "HR8Kp3xWIt2rNdS3aaCk+Ss7yQqC9cn6h3WS6UK3WE0=",
    "t95vF4b11RLCId3ArVVIJoC5Ih9CNbI0VTNuDuEzZyw=", "7mCNCZdMKeRz1Zrpl9bFS08jJAdv6/USazRVq7tjznY=",
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="};

class Texts {
 public:
  explicit Texts(uint32_t seed) : random_(seed) {}

  std::string Next() {
    std::string text = File();
    for (size_t i = Below(4); i > 0; --i) Mutate(text);
    return text;
  }

 private:
  size_t Below(size_t end) { return random_() % end; }
  template <class List>
  std::string Pick(const List& list) {
    const size_t end = Below(4) == 0 ? std::size(list) : std::min<size_t>(3, std::size(list));
    return std::string(list[Below(end)]);  // the first ones are sound
  }

  std::string Prefixes() {
    constexpr const char* kPrefixes[] = {
        "10.0.0.0/8",    "10.1.2.3/24", "192.0.2.7",   "0.0.0.0/0",         "::/0",
        "fd00::1/64",    "fd00::2",     "10.0.0.0/33", "::ffff:1.2.3.4/96", "1.2.3/24",
        "fe80::1%lo/64", "10.0.0.0/",   "10.0.0.0/+8", "010.0.0.1/8",       ""};
    std::string list = Pick(kPrefixes);
    while (Below(2) == 0) list += Pick(kSeparators) + Pick(kPrefixes);
    return list;
  }

  std::string Line() {
    constexpr const char* kPorts[] = {"51820",  "0",   "65535", "domain",
                                      "99999x", "-1x", "0x10",  "https"};
    constexpr const char* kMarks[] = {"0",          "off",        "OFF", "0xca6c", "51820",
                                      "4294967295", "4294967296", "0XA", "077",    "0xg",
                                      "+1",         "0x",         "oFf"};
    constexpr const char* kIntervals[] = {"off", "0",  "25", "65535", "65536",
                                          "Off", "1s", "-1", "007"};
    constexpr const char* kEndpoints[] = {
        "192.0.2.1:51820",  "[fd00::1]:51820", "localhost:1",   "no-such-host:1",
        "192.0.2.1",        "[fd00::1]",       "fd00::1:51820", "192.0.2.1:https",
        ":51820",           "192.0.2.1:",      "[]:1",          "[fe80::1%lo]:9",
        "192.0.2.1:70000x", "127.1:5",         "[192.0.2.1]:7"};
    switch (Below(9)) {
      case 0:
        return "PrivateKey" + Equal() + Pick(kKeys);
      case 1:
        return "ListenPort" + Equal() + Pick(kPorts);
      case 2:
        return "FwMark" + Equal() + Pick(kMarks);
      case 3:
        return "PublicKey" + Equal() + Pick(kKeys);
      case 4:
        return "PresharedKey" + Equal() + Pick(kKeys);
      case 5:
        return "PersistentKeepalive" + Equal() + Pick(kIntervals);
      case 6:
        return "Endpoint" + Equal() + Pick(kEndpoints);
      case 7:
        return "Address" + Equal() + "10.0.0.1/24";
      default:
        return "AllowedIPs" + Equal() + Prefixes();
    }
  }

  std::string Equal() {
    constexpr const char* kEqual[] = {" = ", "=", " =", "\t=\t", " = ", " = ", "  "};
    return Pick(kEqual);
  }

  std::string File() {
    std::string text;
    if (Below(10) != 0) {
      text += "[Interface]\n";
      for (size_t i = Below(3); i > 0; --i) text += InterfaceLine() + "\n";
    }
    for (size_t peers = Below(3); peers > 0; --peers) {
      text += "[Peer]\nPublicKey = " + Pick(kKeys) + "\n";
      for (size_t i = Below(4); i > 0; --i) text += PeerLine() + "\n";
    }
    return text;
  }

  // Mostly a line of its section, so that many files are sound.
  std::string InterfaceLine() { return LineOf({"Pri", "Lis", "FwM"}); }
  std::string PeerLine() { return LineOf({"Pre", "Per", "End", "All"}); }
  std::string LineOf(const std::set<std::string>& heads) {
    std::string line = Line();
    while (Below(20) != 0 && !heads.contains(line.substr(0, 3))) line = Line();
    return line;
  }

  void Mutate(std::string& text) {
    const size_t at = text.empty() ? 0 : Below(text.size());
    constexpr const char* kPieces[] = {
        " ",          "\t",     "\r\n", "\n",  "#",    ",",  "=",        "[",
        "]",          "[Peer]", "\x80", "\v",  "\f",   "/",  ":",        "0",
        "+",          "A",      "a",    "# x", "\n\n", "::", "[peer]\n", "[Interface]\n",
        "PublicKey=", "."};
    switch (Below(6)) {
      case 0:
        text.insert(at, Pick(kPieces));
        return;
      case 1:
        if (!text.empty()) text.erase(at, 1 + Below(3));
        return;
      case 2:
        if (!text.empty()) text[at] = static_cast<char>(1 + Below(255));
        return;
      case 3:
        text.insert(0, Line() + "\n");
        return;
      case 4:
        if (!text.empty() && text[at] != ' ') text[at] = static_cast<char>(text[at] ^ 0x20);
        return;
      default:
        text += Line() + "\n";
    }
  }

  static constexpr const char* kSeparators[] = {",", ", ", " , ", ",,"};
  std::mt19937 random_;
};

// ---- what is known to differ ----

// README: a port above 65535 or with a sign, and NUL bytes, which no text here has. And what a
// later wg takes: prefixes marked with + or -.
bool IsKnownToDiffer(const std::string& text) {
  std::string bare;
  for (const char c : text) {
    if (std::isspace(static_cast<unsigned char>(c)) == 0 || c == '\n') {
      bare += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
  }
  std::istringstream lines(bare);
  for (std::string line; std::getline(lines, line);) {
    line = line.substr(0, line.find('#'));
    if (line.starts_with("allowedips=") && line.find_first_of("+-") != line.npos) return true;
    const bool has_port = line.starts_with("listenport=") || line.starts_with("endpoint=");
    if (!has_port) continue;
    const size_t last = line.find_last_of(":=");
    const std::string port = line.substr(last + 1);
    if (port.find_first_of("+-") != port.npos) return true;
    if (!port.empty() && port.find_first_not_of("0123456789") == port.npos &&
        (port.size() > 5 || std::stoul(port) > 65535)) {
      return true;
    }
  }
  return false;
}

std::string Compare(size_t cases, uint32_t seed) {
  if (unshare(CLONE_NEWNS) != 0 || mount("", "/", nullptr, MS_PRIVATE | MS_REC, nullptr) != 0 ||
      mount("tmpfs", "/run", "tmpfs", 0, nullptr) != 0) {
    return "no mount namespace";
  }
  setenv("WG_ENDPOINT_RESOLUTION_RETRIES", "0", 1);
  Socket socket;
  Texts texts(seed);
  size_t taken = 0;
  size_t known = 0;
  std::string wrong;
  size_t wrongs = 0;
  for (size_t i = 0; i < cases; ++i) {
    const std::string text = texts.Next();
    const Verdict wg = AskWg(socket, text);
    const Verdict ours = AskConfFile(text);
    taken += wg.taken;
    if (wg == ours) continue;
    if (IsKnownToDiffer(text)) {
      ++known;
      continue;
    }
    if (++wrongs <= 5) {
      wrong += "---- text\n" + ::testing::PrintToString(text) +
               "\n---- wg: " + (wg.taken ? wg.device : "refuses") +
               "\n---- ours: " + (ours.taken ? ours.device : "refuses") + "\n";
    }
  }
  std::cout << cases << " texts from seed " << seed << ": " << taken << " taken by wg, " << wrongs
            << " judged otherwise, " << known << " in ways that are known\n";
  return wrong;
}

TEST(ParserAgreementTest, WgAndConfFileMakeTheSameOfAText) {
  const bool full = Full();
  EXPECT_EQ(InNewNamespace([&] { return Compare(full ? 20000 : 2000, 20260223); }, 600), "");
}

}  // namespace
}  // namespace wgnet::testing
