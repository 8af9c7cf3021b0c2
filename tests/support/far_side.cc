// SPDX-License-Identifier: MIT OR Apache-2.0
#include "tests/support/far_side.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <sstream>

#include "tests/support/sandbox.h"

namespace wgnet::testing {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kInterval = std::chrono::milliseconds(100);
constexpr auto kFirstAnswer = std::chrono::seconds(40);
constexpr auto kLastAnswer = std::chrono::seconds(10);

sockaddr_in AddressOf(const std::string& text, uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  inet_pton(AF_INET, text.c_str(), &address.sin_addr);
  return address;
}

int BoundSocket(const std::string& device, const std::string& address, uint16_t port) {
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const sockaddr_in local = AddressOf(address, port);
  if (!device.empty() && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device.data(),
                                    static_cast<socklen_t>(device.size())) != 0) {
    return -1;
  }
  return bind(fd, reinterpret_cast<const sockaddr*>(&local), sizeof local) == 0 ? fd : -1;
}

void WriteLine(int fd, const std::string& line) {
  const std::string text = line + "\n";
  if (write(fd, text.data(), text.size()) < 0) _exit(97);
}

// All devices' probes.
class Prober {
 public:
  Prober(const std::vector<FarSide::Device>& devices, const std::string& destination)
      : destination_(AddressOf(destination, kEchoPort)) {
    for (const auto& device : devices) {
      probes_.push_back({BoundSocket(device.name, device.address, 0), {}, {}});
    }
  }

  bool ok() const {
    for (const Probe& probe : probes_) {
      if (probe.fd < 0) return false;
    }
    return true;
  }

  void Send() {
    for (Probe& probe : probes_) {
      const auto number = static_cast<uint32_t>(probe.answered.size());
      sendto(probe.fd, &number, sizeof number, 0, reinterpret_cast<const sockaddr*>(&destination_),
             sizeof destination_);
      probe.answered.push_back(false);
    }
  }

  void Receive() {
    for (Probe& probe : probes_) {
      uint32_t number = 0;
      while (recv(probe.fd, &number, sizeof number, 0) == sizeof number) {
        if (number >= probe.answered.size() || probe.answered[number]) continue;
        probe.answered[number] = true;
        ++probe.count.received;
      }
      probe.count.sent = static_cast<uint32_t>(probe.answered.size());
    }
  }

  bool HasAll() const {
    for (const Probe& probe : probes_) {
      if (probe.count.received != probe.count.sent) return false;
    }
    return true;
  }
  bool HasOneOfEach() const {
    for (const Probe& probe : probes_) {
      if (probe.count.received == 0) return false;
    }
    return true;
  }

  // One word for each device.
  std::string Report() const {
    std::string text;
    for (const Probe& probe : probes_) {
      text += fmt::format("{} {} ", probe.count.sent, probe.count.received);
    }
    return text;
  }

 private:
  struct Probe {
    int fd;
    std::vector<bool> answered;  // by number
    ProbeCount count;
  };
  sockaddr_in destination_;
  std::vector<Probe> probes_;
};

// Until `done`, or the deadline.
template <class Done>
void ReceiveUntil(Prober& prober, Clock::time_point deadline, const Done& done) {
  prober.Receive();
  while (!done() && Clock::now() < deadline) {
    usleep(5000);
    prober.Receive();
  }
}

bool Readable(int fd, std::chrono::milliseconds timeout) {
  pollfd ready{fd, POLLIN, 0};
  return poll(&ready, 1, static_cast<int>(timeout.count())) > 0;
}

}  // namespace

EchoServer::EchoServer(const std::string& address) : fd_(BoundSocket("", address, kEchoPort)) {
  if (fd_ < 0) error_ = fmt::format("echo server: {}", std::strerror(errno));
  thread_ = std::thread([this] {
    std::array<char, 64> packet;
    while (!stop_) {
      sockaddr_in from{};
      socklen_t size = sizeof from;
      auto* address_of = reinterpret_cast<sockaddr*>(&from);
      if (!Readable(fd_, kInterval)) continue;
      const ssize_t got = recvfrom(fd_, packet.data(), packet.size(), 0, address_of, &size);
      if (got > 0) sendto(fd_, packet.data(), static_cast<size_t>(got), 0, address_of, size);
    }
  });
}

EchoServer::~EchoServer() {
  stop_ = true;
  thread_.join();
  close(fd_);
}

FarSide::FarSide(const std::string& link, const std::string& uplink,
                 std::function<std::string()> prepare, std::vector<Device> devices,
                 std::string destination) {
  int down[2];
  int up[2];
  if (pipe(down) != 0 || pipe(up) != 0) {
    error_ = "pipe failed";
    return;
  }
  fflush(nullptr);
  child_ = fork();
  if (child_ == 0) {
    close(down[1]);
    close(up[0]);
    to_child_ = down[0];
    from_child_ = up[1];
    Run(prepare, devices, destination);
    _exit(0);
  }
  close(down[0]);
  close(up[1]);
  to_child_ = down[1];
  from_child_ = up[0];
  error_ = ReadLine();
  if (!error_.empty()) return;
  error_ =
      Shell(fmt::format("ip link add {} type veth peer name {} netns {}", link, uplink, child_));
  if (!error_.empty()) return;
  WriteLine(to_child_, "prepare");
  error_ = ReadLine();
}

FarSide::~FarSide() {
  close(to_child_);
  if (child_ > 0) waitpid(child_, nullptr, 0);
  close(from_child_);
}

std::string FarSide::Start() {
  WriteLine(to_child_, "start");
  return ReadLine();
}

std::vector<ProbeCount> FarSide::Stop() {
  WriteLine(to_child_, "stop");
  std::istringstream in(ReadLine());
  std::vector<ProbeCount> counts;
  for (ProbeCount count; in >> count.sent >> count.received;) counts.push_back(count);
  return counts;
}

std::string FarSide::ReadLine() {
  std::string line;
  char c = 0;
  while (read(from_child_, &c, 1) == 1) {
    if (c == '\n') return line;
    line += c;
  }
  return line + "the far side has ended";
}

// In the child: three words from above, an answer to each.
void FarSide::Run(const std::function<std::string()>& prepare, const std::vector<Device>& devices,
                  const std::string& destination) {
  char word[16];
  const auto wait = [&] {
    if (read(to_child_, word, sizeof word) <= 0) _exit(96);
  };
  WriteLine(from_child_, unshare(CLONE_NEWNET) == 0 ? "" : std::strerror(errno));
  wait();
  std::string problem = prepare();
  for (char& c : problem) c = c == '\n' ? ';' : c;
  WriteLine(from_child_, problem);
  wait();
  {
    Prober first(devices, destination);
    const auto deadline = Clock::now() + kFirstAnswer;
    while (first.ok() && !first.HasOneOfEach() && Clock::now() < deadline) {
      first.Send();
      ReceiveUntil(first, Clock::now() + std::chrono::seconds(1), [&] { return first.HasAll(); });
    }
    const bool fine = first.ok() && first.HasOneOfEach();
    WriteLine(from_child_, fine ? "" : "no answer on every device: " + first.Report());
  }
  Prober prober(devices, destination);
  while (!Readable(to_child_, std::chrono::milliseconds(0))) {
    prober.Send();
    ReceiveUntil(prober, Clock::now() + kInterval, [] { return false; });
  }
  wait();
  ReceiveUntil(prober, Clock::now() + kLastAnswer, [&] { return prober.HasAll(); });
  WriteLine(from_child_, prober.Report());
}

}  // namespace wgnet::testing
