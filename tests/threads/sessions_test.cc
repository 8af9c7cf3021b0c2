// SPDX-License-Identifier: MIT OR Apache-2.0
// Sessions in threads of one process, each in a thread of its own, as the thread sanitizer sees
// them. WireGuard is wireguard-go where the kernel has none.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <iostream>
#include <thread>

#include "tests/support/sample.h"
#include "tests/support/scenario.h"
#include "tests/support/userspace_world.h"
#include "tests/support/world.h"
#include "wgnet/session.h"

namespace wgnet::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr char kStateDir[] = "/run/wgnet";

size_t Rounds() { return Full() ? 200 : 20; }

// `version` 1 has something changed in every layer.
Node NodeOf(const std::string& owner, int version) {
  const int number = owner.back() - 'a' + 1;
  Node node;
  node.Add(Interface("wg-" + owner)
               .PrivateKey(TestKey(owner))
               .ListenPort(52000 + 10 * number + version)
               .Address(fmt::format("10.{}.{}.1/24", number, version))
               .Address(fmt::format("fd0{}:{}::1/64", number, version))
               .AddPeer(Peer(TestKey("peer of " + owner).Public())
                            .PresharedKey(TestKey(fmt::format("psk {} {}", owner, version)))
                            .Endpoint("localhost:51820")
                            .AllowedIp(fmt::format("10.{}.{}.0/24", 100 + number, version))));
  node.Add(NatRule::Masquerade().Source("10.128.0.0/9").OutInterface("eth*"));
  node.Add(ForwardRule().Between("wg-" + owner, "eth*"));
  if (version == 1) {
    node.Add(PolicyRoute::ForPrefix(fmt::format("10.20{}.0.0/16", number), "wg-" + owner));
  }
  return node;
}

Result<Session> OpenAs(const std::string& owner) {
  return Session::Open({.owner = owner, .state_dir = kStateDir, .guardian = ""});
}

// The first complaint of any thread.
class Complaints {
 public:
  void Note(const std::string& text) {
    const std::lock_guard lock(mutex_);
    if (text_.empty()) text_ = text;
  }
  void Check(const std::string& what, const auto& result) {
    if (!result) Note(what + ": " + result.error().ToString());
  }
  std::string text() const {
    const std::lock_guard lock(mutex_);
    return text_;
  }

 private:
  mutable std::mutex mutex_;
  std::string text_;
};

std::string InWorld(const std::function<void(Complaints&, std::atomic<size_t>&)>& body) {
  return InUserspaceWorld(
      [&]() -> std::string {
        MakeUplink("eth0", "192.168.5.1/24");
        Complaints complaints;
        std::atomic<size_t> cases = 0;
        body(complaints, cases);
        std::cout << fmt::format("{} rounds, {}\n", cases.load(), Reached());
        std::cout.flush();
        return complaints.text();
      },
      500);
}

// Comes, changes, is read, and goes.
void Live(const std::string& owner, Complaints& complaints, std::atomic<size_t>& cases) {
  auto session = OpenAs(owner);
  complaints.Check("open", session);
  if (!session) return;
  for (size_t round = 0; round < Rounds(); ++round, ++cases) {
    complaints.Check("apply", session->Apply(NodeOf(owner, 0)));
    const auto plan = session->Plan(NodeOf(owner, 1));
    complaints.Check("plan", plan);
    if (plan) {
      plan->Explain();
      const auto done = session->Apply(*plan);  // of another owner's, it may be stale
      if (!done && done.error().code != ErrorCode::kStale) complaints.Check("apply a plan", done);
    }
    complaints.Check("change", session->Apply(NodeOf(owner, 1)));
    const auto again = session->Apply(NodeOf(owner, 1));
    complaints.Check("second apply", again);
    if (again && again->steps != 0) complaints.Note("the second apply did something");
    complaints.Check("snapshot", session->Snapshot());
    complaints.Check("delete", session->Apply(Node()));
  }
}

TEST(Threads, TwoOwnersApplyAtTheSameTime) {
  EXPECT_EQ(InWorld([](Complaints& complaints, std::atomic<size_t>& cases) {
              std::thread other([&] { Live("b", complaints, cases); });
              Live("a", complaints, cases);
              other.join();
              if (cases != 2 * Rounds()) complaints.Note("a thread ended early");
            }),
            "");
}

// One owner, two sessions.
TEST(Threads, OneOwnerAppliesTwice) {
  EXPECT_EQ(InWorld([](Complaints& complaints, std::atomic<size_t>& cases) {
              const auto apply = [&](int version) {
                auto session = OpenAs("a");
                complaints.Check("open", session);
                for (size_t round = 0; session && round < Rounds(); ++round, ++cases) {
                  complaints.Check("apply", session->Apply(NodeOf("a", version)));
                }
              };
              std::thread other([&] { apply(1); });
              apply(0);
              other.join();
              auto session = OpenAs("a");
              complaints.Check("open", session);
              if (session) complaints.Check("delete", session->Apply(Node()));
            }),
            "");
}

TEST(Threads, OneWatchesWhatTheOtherApplies) {
  EXPECT_EQ(InWorld([](Complaints& complaints, std::atomic<size_t>& cases) {
              std::atomic<bool> over = false;
              std::atomic<size_t> looks = 0;
              auto watcher_session = OpenAs("a");
              complaints.Check("open", watcher_session);
              if (!watcher_session) return;
              // It is made here, and lives there.
              std::thread other([&, session = *std::move(watcher_session)]() mutable {
                auto watcher = session.Watch(
                    {.debounce = milliseconds(1), .poll_interval = milliseconds(100)});
                complaints.Check("watch", watcher);
                while (watcher && !over) {
                  complaints.Check("run", watcher->Run(
                                              [&](const Event& event) {
                                                event.ToJson();
                                                return true;
                                              },
                                              milliseconds(20)));
                  ++looks;
                }
              });
              Live("a", complaints, cases);
              over = true;
              other.join();
              if (looks == 0) complaints.Note("nobody watched");
            }),
            "");
}

void Guard(std::atomic<bool>& ready, Complaints& complaints) {
  auto session = OpenAs("a");
  complaints.Check("open", session);
  if (session) complaints.Check("guard", session->Guard([&] { ready = true; }));
}

// A change is made in one thread, guarded in another, and confirmed, or taken back, in a third.
TEST(Threads, AnotherConfirms) {
  EXPECT_EQ(InWorld([](Complaints& complaints, std::atomic<size_t>& cases) {
              auto session = OpenAs("a");
              complaints.Check("open", session);
              if (!session) return;
              int version = 0;
              for (size_t round = 0; round < Rounds(); ++round, ++cases) {
                const auto done =
                    session->Apply(NodeOf("a", version), ConfirmOptions{.within = seconds(60)});
                complaints.Check("apply", done);
                if (!done || !done->pending) return complaints.Note("nothing waits");
                const bool confirms = round % 3 != 2;
                if (confirms) version = 1 - version;
                std::atomic<bool> ready = false;
                std::thread guardian([&] { Guard(ready, complaints); });
                std::thread decider([&] {
                  auto other = OpenAs("a");
                  complaints.Check("open", other);
                  if (!other) return;
                  while (!ready) std::this_thread::sleep_for(milliseconds(1));
                  complaints.Check("pending", other->Pending());
                  complaints.Check("extend", other->ExtendConfirmation(seconds(90)));
                  if (confirms) {
                    complaints.Check("confirm", other->Confirm());
                  } else {
                    complaints.Check("rollback", other->Rollback());
                  }
                });
                complaints.Check("snapshot", session->Snapshot());
                decider.join();
                guardian.join();
              }
              complaints.Check("delete", session->Apply(Node()));
            }),
            "");
}

}  // namespace
}  // namespace wgnet::testing
