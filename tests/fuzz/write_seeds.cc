// SPDX-License-Identifier: MIT OR Apache-2.0
// Writes seeds into a directory with a folder for each program: what the kernel answers to a
// transaction, and what that leaves in the state directory. Run it in a network namespace of its
// own: unshare -n write_seeds tests/fuzz/seeds
#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "src/netlink/kernel_transport.h"
#include "src/plan/snapshot.h"
#include "tests/fuzz/everything.h"
#include "tests/support/fake_dns.h"
#include "tests/support/scenario.h"

namespace wgnet::testing {
namespace {

constexpr size_t kMostBytes = 4096;  // of one seed

std::string ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void Write(const std::string& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

// Keeps what is received, once for each kind of answer.
class Recorder final : public netlink::ForwardingTransport {
 public:
  explicit Recorder(std::unique_ptr<netlink::Transport> inner)
      : ForwardingTransport(std::move(inner)) {}

  ssize_t Receive(netlink::Bus bus, std::span<std::byte> buffer) override {
    const ssize_t size = next().Receive(bus, buffer);
    const auto taken = static_cast<size_t>(std::max<ssize_t>(size, 0));
    const auto length = static_cast<uint16_t>(taken);
    if (taken > kMostBytes) return size;
    const std::string_view bytes(reinterpret_cast<const char*>(buffer.data()), taken);
    conversation_.append(reinterpret_cast<const char*>(&length), sizeof length);
    conversation_ += bytes;
    if (taken >= sizeof(nlmsghdr)) {
      nlmsghdr header;
      std::memcpy(&header, buffer.data(), sizeof header);
      datagrams_.try_emplace(fmt::format("{}-{}", static_cast<int>(bus), header.nlmsg_type), bytes);
    }
    return size;
  }
  const std::map<std::string, std::string>& datagrams() const { return datagrams_; }
  void Forget() { conversation_.clear(); }
  const std::string& conversation() const { return conversation_; }

 private:
  std::string conversation_;
  std::map<std::string, std::string> datagrams_;
};

int WriteAll(const std::string& directory) {
  const TemporaryDirectory state;
  MakeUplink("eth0", "192.168.5.1/24");
  auto kernel = netlink::KernelTransport::Open(
      *netlink::NetworkNamespace::Open(""), SystemProcessRunner(),
      std::make_unique<FakeDns>(std::make_shared<FakeDns::Memory>()));
  auto recorder = std::make_unique<Recorder>(std::make_unique<FakeWireguard>(*std::move(kernel)));
  Recorder& recorded = *recorder;
  plan::Planner planner("owner", std::move(recorder), *plan::StateDir::Open(state.path(), "test"),
                        std::chrono::seconds(1));
  const Node node = LargeNode(2);
  const auto hosts = plan::ResolveHosts(node, {});
  const ConfirmOptions minutes{.within = std::chrono::minutes(5), .persist = true};
  if (const auto done = planner.Apply(node, *hosts, {}, &minutes); !done) {
    fmt::print(stderr, "{}\n", done.error().ToString());
    return 1;
  }
  recorded.Forget();
  plan::Reader reader(planner.client(), netlink::ExtraMode::kKeep);
  if (!plan::Snapshot::Read(fuzz::Everything(), reader)) return 1;
  Write(directory + "/reader/everything", recorded.conversation());
  for (const auto& [name, bytes] : recorded.datagrams()) {
    Write(fmt::format("{}/netlink/{}", directory, name), bytes);
  }
  const size_t record_head = plan::SealRecord("").size();
  Write(directory + "/record/owner",
        ReadFile(state.path() + "/test/owner.record").substr(record_head));
  const size_t journal_head = plan::SealJournal("", 0).text().size();
  Write(directory + "/journal/owner",
        ReadFile(state.path() + "/test/owner.pending").substr(journal_head));
  return 0;
}

}  // namespace
}  // namespace wgnet::testing

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: write_seeds DIRECTORY\n", stderr);
    return 2;
  }
  return wgnet::testing::WriteAll(argv[1]);
}
