// SPDX-License-Identifier: MIT OR Apache-2.0
#include "tests/support/reference.h"

#include <fmt/format.h>
#include <sched.h>
#include <sys/mount.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "tests/support/file_dns.h"
#include "tests/support/kernel_state.h"
#include "tests/support/leftovers.h"

namespace wgnet::testing {
namespace {

constexpr int kPeers = 20;
constexpr char kResolvConf[] = "# of the test\nnameserver 192.168.5.53\nsearch example.org\n";

// The file's lock is in /run.
std::string HideRun() {
  const bool hidden = unshare(CLONE_NEWNS) == 0 &&
                      mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                      mount("tmpfs", "/run", "tmpfs", 0, nullptr) == 0;
  return hidden ? "" : std::string("no /run of its own: ") + std::strerror(errno);
}

std::map<std::string, std::string> WithoutJournals(std::map<std::string, std::string> files) {
  std::erase_if(files, [](const auto& file) { return file.first.ends_with(".journal"); });
  return files;
}

}  // namespace

Node ReferenceNode() { return LargeNode(kPeers, 9); }
Node OtherReferenceNode() { return ChangedNode(kPeers, 1); }

std::vector<Scenario> ReferenceScenarios() {
  return {{"Apply", {}, ReferenceNode()},
          {"Change", ReferenceNode(), OtherReferenceNode()},
          {"Delete", ReferenceNode(), {}}};
}

ReferenceWorld::ReferenceWorld(const Scenario& scenario) : scenario_(scenario) {
  failure_ = HideRun();
  if (!failure_.empty()) return;
  MakeUplink("eth0", "192.168.5.1/24");
  std::ofstream("/proc/sys/net/ipv4/conf/eth0/rp_filter") << 1;
  std::ofstream(resolver_.path() + "/resolv.conf") << kResolvConf;
  auto dns = std::make_unique<FileDns>(resolver_.path() + "/resolv.conf");
  host_ = std::make_unique<Host>("owner", directory_.path(), std::move(dns));
  if (const Status status = host_->Apply(scenario_.before); !status) {
    failure_ = "before: " + status.error().ToString();
  }
  start_ = Read();
  if (failure_.empty()) failure_ = FindEnd();
}

std::string ReferenceWorld::ReadFile() const {
  std::ifstream in(resolver_.path() + "/resolv.conf");
  std::string text;
  for (std::string line; std::getline(in, line);) text += "resolv.conf: " + line + "\n";
  return text;
}

ReferenceWorld::State ReferenceWorld::Read() const {
  return {host_->State() + ReadFile(), Files(directory_.path())};
}

std::string ReferenceWorld::GoBack() {
  if (const Status status = host_->Apply(before()); !status) {
    return "going back: " + status.error().ToString();
  }
  State state = Read();
  const std::string difference = DifferenceOf(start_.objects, state.objects);
  start_ = std::move(state);  // with another number on record
  return difference.empty() ? "" : "not as in the beginning:\n" + difference;
}

std::string ReferenceWorld::DifferenceFromStart() const {
  const State now = Read();
  const std::string difference = DifferenceOf(start_.objects, now.objects);
  return difference.empty() && now.files != start_.files ? "other files" : difference;
}

std::string ReferenceWorld::FindEnd() {
  const auto plan = host_->Plan(after());
  if (!plan) return "after: " + plan.error().ToString();
  ops_ = plan->ops.size();
  host_->transport().Arm({});
  host_->replies().Disarm();
  if (const Status status = host_->Apply(after()); !status) {
    return "after: " + status.error().ToString();
  }
  messages_ = host_->transport().messages();
  replies_ = host_->replies().replies();
  const auto rest = host_->Plan(after());
  if (!rest) return "after: " + rest.error().ToString();
  if (!rest->ops.empty()) return "after: the plan is not empty";
  end_ = Read().objects;
  return GoBack();
}

std::string InReferenceWorld(const Scenario& scenario,
                             const std::function<std::string(ReferenceWorld&)>& body, int seconds) {
  return InNewNamespace(
      [&]() -> std::string {
        ReferenceWorld world(scenario);
        return world.failure().empty() ? body(world) : world.failure();
      },
      seconds);
}

Result<Ending> ReferenceWorld::Judge(const Status& status) const {
  const State now = Read();
  const auto wrong = [&](const std::string& what, const std::string& difference) {
    const std::string error = status ? "" : status.error().ToString() + "\n";
    return Error{.message = error + what + difference};
  };
  const std::string from_start = DifferenceOf(start_.objects, now.objects);
  if (status) {
    const std::string difference = DifferenceOf(end_, now.objects);
    if (!difference.empty()) return wrong("a success, but:\n", difference);
    return now.files == WithoutJournals(now.files) ? Result(Ending::kAfter)
                                                   : wrong("a journal is left", "");
  }
  const auto& report = status.error().rollback;
  if (!report || report->complete()) {
    if (!from_start.empty()) return wrong("left:\n", from_start);
    if (now.files != start_.files) return wrong("other files", "");
    return Ending::kBefore;
  }
  if (from_start.empty()) return wrong("names what is not left", "");
  const std::string unnamed = UnnamedIn(from_start, *report);
  if (!unnamed.empty()) return wrong("not named:\n", unnamed);
  if (WithoutJournals(now.files) != start_.files) return wrong("another record", "");
  return Ending::kLeftovers;
}

}  // namespace wgnet::testing
