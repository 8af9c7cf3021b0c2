// SPDX-License-Identifier: MIT OR Apache-2.0
#include "tests/support/fake_uapi.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdio>

#include "src/base/write_all.h"

namespace wgnet::testing {

FakeUapi::FakeUapi(const std::string& directory, const std::string& interface)
    : socket_(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::snprintf(address.sun_path, sizeof address.sun_path, "%s/%s.sock", directory.c_str(),
                interface.c_str());
  unlink(address.sun_path);
  if (bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      listen(socket_.get(), 8) != 0) {
    std::perror(address.sun_path);
  }
  thread_ = std::thread([this] { Serve(); });
}

FakeUapi::~FakeUapi() {
  shutdown(socket_.get(), SHUT_RDWR);
  thread_.join();
}

void FakeUapi::AnswerGet(std::string answer) {
  const std::lock_guard lock(mutex_);
  get_ = std::move(answer);
}

void FakeUapi::AnswerSet(std::string answer) {
  const std::lock_guard lock(mutex_);
  set_ = std::move(answer);
}

std::vector<std::string> FakeUapi::sets() {
  const std::lock_guard lock(mutex_);
  return sets_;
}

void FakeUapi::Serve() {
  while (true) {
    const UniqueFd connection(accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!connection.ok()) return;
    Talk(connection.get());
  }
}

void FakeUapi::Talk(int connection) {
  std::string request;
  char chunk[4096];
  while (!request.ends_with("\n\n")) {
    const ssize_t size = read(connection, chunk, sizeof chunk);
    if (size <= 0) return;
    request.append(chunk, static_cast<size_t>(size));
  }
  const std::lock_guard lock(mutex_);
  const bool set = request.starts_with("set=1\n");
  if (set) sets_.push_back(request);
  // Byte by byte, as a stream may give it.
  for (const char letter : set ? set_ : get_) {
    if (WriteAll(connection, {&letter, 1}) != 0) return;
  }
}

}  // namespace wgnet::testing
