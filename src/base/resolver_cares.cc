// SPDX-License-Identifier: MIT OR Apache-2.0
// Look-ups by c-ares: getaddrinfo(3) cannot be cancelled, a thread that waits for it would outlive
// the call, and in a child of a program with threads it may hang; c-ares asks for all names at once
// on the caller's thread, and drops what is open at the deadline.
#include <ares.h>
#include <netdb.h>
#include <poll.h>

#include <algorithm>
#include <memory>
#include <new>

#include "src/base/address_list.h"
#include "wgnet/resolver.h"

namespace wgnet {
namespace {

using Clock = std::chrono::steady_clock;

// As resolv.conf(5) has them by default.
constexpr int kTimeoutMs = 5000;
constexpr int kTries = 2;

// What getaddrinfo(3) would answer with EAI_NONAME or EAI_NODATA.
bool IsFinal(int status) {
  return status == ARES_ENOTFOUND || status == ARES_ENODATA || status == ARES_EBADNAME ||
         status == ARES_EFORMERR;
}

class Channel {
 public:
  Channel() {
    ares_options options{};
    options.timeout = kTimeoutMs;
    options.tries = kTries;
    status_ = ares_init_options(&channel_, &options, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES);
  }
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;
  ~Channel() {
    if (status_ == ARES_SUCCESS) ares_destroy(channel_);
  }
  int status() const { return status_; }
  ares_channel get() const { return channel_; }

 private:
  ares_channel channel_ = nullptr;
  int status_ = ARES_SUCCESS;
};

struct Query {
  HostAnswer answer;
  bool done = false;
};

// Called by c-ares, which is C: nothing may be thrown through it.
void Finish(void* query, int status, int, ares_addrinfo* found) noexcept {
  auto& [answer, done] = *static_cast<Query*>(query);
  const std::unique_ptr<ares_addrinfo, void (*)(ares_addrinfo*)> owner(found, ares_freeaddrinfo);
  done = true;
  try {
    if (status != ARES_SUCCESS) {
      answer.kind = IsFinal(status) ? HostAnswer::Kind::kNone : HostAnswer::Kind::kTryAgain;
      answer.reason = ares_strerror(status);
      return;
    }
    answer.kind = HostAnswer::Kind::kFound;
    for (auto* node = found->nodes; node != nullptr; node = node->ai_next) {
      if (const auto address = AddressIn(*node->ai_addr)) answer.addresses.push_back(*address);
    }
  } catch (const std::bad_alloc&) {
    answer = {};
  }
}

// Lets c-ares read and write until all is done, or it is late.
void Drive(const std::vector<Query>& queries, Resolver::TimePoint deadline, ares_channel channel) {
  const auto is_done = [](const Query& query) { return query.done; };
  while (!std::all_of(queries.begin(), queries.end(), is_done)) {
    const auto now = Clock::now();
    if (now >= deadline) return;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(
        std::min<Clock::duration>(deadline - now, std::chrono::milliseconds(kTimeoutMs)));
    timeval most{left.count() / 1000, left.count() % 1000 * 1000};
    timeval buffer{};
    const timeval* wait = ares_timeout(channel, &most, &buffer);
    ares_socket_t sockets[ARES_GETSOCK_MAXNUM];
    const int wanted = ares_getsock(channel, sockets, ARES_GETSOCK_MAXNUM);
    pollfd polled[ARES_GETSOCK_MAXNUM] = {};
    nfds_t count = 0;
    for (int i = 0; i < ARES_GETSOCK_MAXNUM; ++i) {
      const bool reads = ARES_GETSOCK_READABLE(wanted, i) != 0;
      const bool writes = ARES_GETSOCK_WRITABLE(wanted, i) != 0;
      if (!reads && !writes) continue;
      const int events = (reads ? POLLIN : 0) | (writes ? POLLOUT : 0);
      polled[count++] = {sockets[i], static_cast<short>(events), 0};
    }
    poll(polled, count, static_cast<int>(wait->tv_sec * 1000 + (wait->tv_usec + 999) / 1000));
    for (nfds_t i = 0; i < count; ++i) {
      const bool reads = (polled[i].revents & (POLLIN | POLLERR | POLLHUP)) != 0;
      const bool writes = (polled[i].revents & POLLOUT) != 0;
      ares_process_fd(channel, reads ? polled[i].fd : ARES_SOCKET_BAD,
                      writes ? polled[i].fd : ARES_SOCKET_BAD);
    }
    ares_process_fd(channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);  // what has timed out
  }
}

class CaresResolver final : public Resolver {
 public:
  std::vector<HostAnswer> LookUp(std::span<const std::string> hosts, TimePoint deadline) override {
    std::vector<Query> queries(hosts.size());  // outlives the channel, which writes to it
    Ask(hosts, deadline, queries);
    std::vector<HostAnswer> answers;
    answers.reserve(queries.size());
    for (Query& query : queries) answers.push_back(std::move(query.answer));
    return answers;
  }

 private:
  static void Ask(std::span<const std::string> hosts, TimePoint deadline,
                  std::vector<Query>& queries) {
    const Channel channel;
    ares_addrinfo_hints hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_DGRAM;
    hints.ai_protocol = IPPROTO_UDP;
    for (size_t i = 0; i < hosts.size(); ++i) {
      // Such as 10.1 and 0x7f.1, which are addresses to libc only.
      queries[i].answer = AskLibc(hosts[i], AI_NUMERICHOST);
      queries[i].done = queries[i].answer.kind == HostAnswer::Kind::kFound;
      if (queries[i].done) continue;
      queries[i].answer = {};
      if (channel.status() == ARES_SUCCESS) {
        ares_getaddrinfo(channel.get(), hosts[i].c_str(), nullptr, &hints, Finish, &queries[i]);
      } else {
        Finish(&queries[i], channel.status(), 0, nullptr);
      }
    }
    Drive(queries, deadline, channel.get());
    if (channel.status() == ARES_SUCCESS) ares_cancel(channel.get());
  }
};

}  // namespace

std::shared_ptr<Resolver> SystemResolver() { return std::make_shared<CaresResolver>(); }

}  // namespace wgnet
