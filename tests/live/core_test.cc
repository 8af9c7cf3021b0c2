// SPDX-License-Identifier: MIT OR Apache-2.0
// A process that aborts at any step of a transaction leaves no key: not in its core file, in
// registers, on the stack or on the heap, and in the state directory only what taking it back
// needs. WireGuard is the kernel's, or wireguard-go, whose own memory does not count.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>
#include <iostream>

#include "src/netlink/forwarding_transport.h"
#include "src/netlink/kernel_transport.h"
#include "src/plan/explain.h"
#include "src/wireguard/userspace_transport.h"
#include "tests/support/memory_image.h"
#include "tests/support/sample.h"
#include "tests/support/scenario.h"
#include "tests/support/userspace_world.h"
#include "tests/support/world.h"
#include "wgnet/conf.h"

namespace wgnet::testing {
namespace {

constexpr char kStateDir[] = "/run/wgnet";
constexpr char kCoreDir[] = "/run/core";

// Leaves the process' memory at a step: before and after what goes to the kernel, and after what
// comes from there. It holds no bytes itself.
class LeavingTransport final : public netlink::ForwardingTransport {
 public:
  LeavingTransport(std::unique_ptr<netlink::Transport> inner, size_t steps)
      : ForwardingTransport(std::move(inner)), steps_(steps) {}

  int Send(netlink::Bus bus, std::span<const iovec> parts) override {
    Step();
    const int error = next().Send(bus, parts);
    Step();
    return error;
  }
  ssize_t Receive(netlink::Bus bus, std::span<std::byte> buffer) override {
    const ssize_t size = next().Receive(bus, buffer);
    if (size > 0) Step();
    return size;
  }
  int WriteSetting(int handle, std::string_view value) override {
    const int error = next().WriteSetting(handle, value);
    Step();
    return error;
  }

 private:
  void Step() {
    if (--steps_ == 0) LeaveImage();
  }
  size_t steps_;
};

Result<plan::Planner> OpenPlanner(size_t steps) {
  auto kernel = netlink::KernelTransport::Open(*netlink::NetworkNamespace::Open(""),
                                               SystemProcessRunner(), nullptr);
  if (!kernel) return kernel.error();
  const auto& netns = (*kernel)->netns();
  auto wireguard =
      std::make_unique<wireguard::UserspaceTransport>(*std::move(kernel), netns, "wireguard-go");
  auto state = plan::StateDir::Open(kStateDir, "test");
  if (!state) return state.error();
  return plan::Planner("owner", std::make_unique<LeavingTransport>(std::move(wireguard), steps),
                       *std::move(state), std::chrono::seconds(1));
}

// ---- the keys ----

struct Keys {
  SecretKey own = SecretKey::GeneratePrivate();
  SecretKey other = SecretKey::GeneratePrivate();
  SecretKey preshared = SecretKey::GeneratePreshared();
};

// The caller's own text, which is his to protect.
SecretString TextOf(const SecretKey& key) {
  std::string text = key.Reveal();
  SecretString copy(text);
  WipeMemory(text.data(), text.size());
  return copy;
}

SecretString Replace(std::string_view text, const Keys& keys) {
  SecretString out;
  for (const char c : text) {
    if (c == '@') out += TextOf(keys.own);
    if (c == '%') out += TextOf(keys.preshared);
    if (c != '@' && c != '%') out += c;
  }
  return out;
}

constexpr char kPeer[] = "t95vF4b11RLCId3ArVVIJoC5Ih9CNbI0VTNuDuEzZyw=";

Node FromBuilders(const Keys& keys) {
  Node node;
  node.Add(Interface("wg0")
               .PrivateKey(keys.own)
               .ListenPort(51820)
               .Address("10.13.13.2/24")
               .Address("fd13::2/64")
               .AddPeer(Peer(kPeer)
                            .PresharedKey(keys.preshared)
                            .Endpoint("192.168.5.198:51820")
                            .AllowedIp("0.0.0.0/0")
                            .AllowedIp("::/0")));
  node.Add(Interface("wg1")
               .PrivateKey(keys.other)
               .ListenPort(51830)
               .Address("10.14.13.2/24")
               .AddPeer(Peer(TestKey("a").Public())
                            .PresharedKey(std::string_view(TextOf(keys.preshared)))
                            .AllowedIp("10.14.0.0/16")));
  node.Add(KillSwitch());
  return node;
}

Node FromJson(const Keys& keys) {
  const SecretString text = Replace(
      fmt::format(R"({{"schema": "wgnet/1", "interfaces": [{{"name": "wg0", "private_key": "@",
"addresses": ["10.13.13.2/24"], "peers": [{{"public_key": "{}", "preshared_key": "%",
"allowed_ips": ["10.13.0.0/16"]}}]}}]}})",
                  kPeer),
      keys);
  return *Node::FromJson(text);
}

Node FromConf(const Keys& keys) {
  const SecretString text = Replace(
      fmt::format("[Interface]\nPrivateKey = @\nAddress = 10.13.13.2/24\n[Peer]\nPublicKey = {}\n"
                  "PresharedKey = %\nAllowedIPs = 10.13.0.0/16\n",
                  kPeer),
      keys);
  const auto file = ConfFile::Parse(text, "wg0.conf");
  return *file->ToNode("wg0");
}

// ---- aborting ----

using Maker = Node (*)(const Keys& keys);
Node Nothing(const Keys&) { return {}; }

struct Change {
  std::string name;
  Maker before;
  Maker after;
};

// Runs `body` in a process of its own. Its status as of waitpid(2), and what it left if it did.
struct Run {
  bool left = false;
  std::string image;
  int status = 0;
};
Run InProcess(const std::function<bool()>& body) {
  fflush(nullptr);
  const pid_t child = fork();
  if (child == 0) {
    if (chdir(kCoreDir) != 0) _exit(98);
    const bool done = body();
    fflush(nullptr);
    _exit(done ? 0 : 1);
  }
  Run run;
  run.left = TakeImage(child, kCoreDir, run.image, run.status);
  return run;
}

// As an embedder does: the texts of plans and errors are in its memory, too.
bool ApplyIn(const Node& node, size_t steps) {
  auto planner = OpenPlanner(steps);
  const auto hosts = plan::ResolveHosts(node, {});
  if (!planner || !hosts) return false;
  const auto plan = planner->Plan(node, *hosts, {});
  if (!plan) return false;
  const std::string texts = plan::Explain(*plan) + node.ToJson();
  const auto done = planner->Apply(*plan);
  if (!done) fmt::print("{}\n", done.error().ToString());
  return done.ok() && !texts.empty();
}

bool Recover() {
  auto planner = OpenPlanner(0);
  return planner && planner->Recover();
}

// Only a journal may hold keys, raw, and only those that are there before. For a process of its
// own: what it reads stays on its heap.
std::string FindInFiles(const KeyMarks& before, const KeyMarks& after) {
  std::string found;
  for (const auto& [name, contents] : Files(kStateDir)) {
    found += after.FindIn(contents);
    if (name.find(".journal") == name.npos) found += before.FindIn(contents);
  }
  return found;
}

KeyMarks MarksOf(const std::string& when, const Keys& keys) {
  KeyMarks marks;
  marks.Add("the private key " + when, keys.own);
  marks.Add("the other private key " + when, keys.other);
  marks.Add("the preshared key " + when, keys.preshared);
  return marks;
}

// All cases of one change.
std::string AbortEverywhere(const Change& change) {
  mkdir(kCoreDir, 0700);
  MakeUplink("eth0", "192.168.5.1/24");
  const Keys old_keys;
  const Keys new_keys;
  const KeyMarks before = MarksOf("before", old_keys);
  const KeyMarks after = MarksOf("after", new_keys);
  if (InProcess([&] { return ApplyIn(change.before(old_keys), 0); }).status != 0) return "before";
  const size_t stride = Full() ? 1 : InGuest() ? 29 : 13;
  size_t cases = 0;
  size_t bytes = 0;
  size_t steps = 1;
  for (;; steps += stride) {
    const Run run = InProcess([&] { return ApplyIn(change.after(new_keys), steps); });
    if (!run.left) {
      if (run.status != 0) return fmt::format("step {}: wait status {:#x}", steps, run.status);
      break;
    }
    ++cases;
    bytes += run.image.size();
    const std::string found = before.FindIn(run.image) + after.FindIn(run.image);
    if (!found.empty()) return fmt::format("aborted at step {}:\n{}", steps, found);
    const auto files_are_clean = [&] {
      const std::string in_files = FindInFiles(before, after);
      fmt::print("{}", in_files);
      return in_files.empty();
    };
    if (InProcess(files_are_clean).status != 0) return fmt::format("files at step {}", steps);
    if (InProcess(Recover).status != 0) return "recovery fails";
  }
  fmt::print("{}: aborted at {} of {} steps, {}; {} MiB searched\n", change.name, cases, steps - 1,
             Reached(), bytes >> 20);
  fflush(nullptr);
  return cases > 2 ? "" : "nothing was aborted";
}

class Core : public ::testing::TestWithParam<Change> {};

TEST_P(Core, HoldsNoKey) {
  EXPECT_EQ(InUserspaceWorld([] { return AbortEverywhere(GetParam()); }, 3000), "");
}

INSTANTIATE_TEST_SUITE_P(, Core,
                         ::testing::Values(Change{"Apply", Nothing, FromBuilders},
                                           Change{"Change", FromBuilders, FromBuilders},
                                           Change{"Delete", FromBuilders, Nothing},
                                           Change{"ApplyJson", Nothing, FromJson},
                                           Change{"ApplyConf", Nothing, FromConf}),
                         [](const auto& info) { return info.param.name; });

// ---- what is there is found ----

std::string FindPlainKey(const std::function<std::string(const SecretKey&)>& copy) {
  mkdir(kCoreDir, 0700);
  const SecretKey key = SecretKey::GeneratePreshared();
  KeyMarks marks;
  marks.Add("key", key);
  const Run run = InProcess([&] {
    const std::string plain = copy(key);
    LeaveImage();
    return plain.empty();
  });
  if (!run.left) return "no image";
  return marks.FindIn(run.image);
}

std::string RawOf(const SecretKey& key) {
  return {reinterpret_cast<const char*>(key.bytes().data()), SecretKey::kSize};
}
std::string HalfOf(const SecretKey& key) { return RawOf(key).substr(16); }
std::string HexOf(const SecretKey& key) {
  return fmt::format("{:02X}", fmt::join(key.bytes(), ""));
}

TEST(CoreControl, WhatIsInPlainMemoryIsFound) {
  const auto find = [](std::string (*copy)(const SecretKey&)) {
    return InUserspaceWorld([&] { return FindPlainKey(copy); });
  };
  EXPECT_THAT(find(RawOf), ::testing::HasSubstr("key raw"));
  EXPECT_THAT(find(HalfOf), ::testing::HasSubstr("key raw, second half"));
  EXPECT_THAT(find([](const SecretKey& key) { return key.Reveal(); }),
              ::testing::HasSubstr("key in base64"));
  EXPECT_THAT(find(HexOf), ::testing::HasSubstr("key in HEX"));
  EXPECT_EQ(find([](const SecretKey&) { return std::string("nothing"); }), "");
}

// The keys' files hold them, and nothing else.
std::string WriteScript(const SecretKey& key) {
  kernel::WgDevice device;
  device.dev = kernel::LinkRef{7, FixedString<IFNAMSIZ - 1>("wg0")};
  device.private_key = key;
  plan::PlanData plan;
  plan.ops.push_back({.verb = kernel::Verb::kAdd, .object = device, .before = {}});
  return plan::ExplainScript(plan, "script") ? "done" : "";
}

TEST(CoreOfScript, HoldsNoKey) {
  EXPECT_EQ(InUserspaceWorld([] { return FindPlainKey(WriteScript); }), "");
}

}  // namespace
}  // namespace wgnet::testing
