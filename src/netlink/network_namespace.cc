// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/netlink/network_namespace.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <pthread.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <exception>

#include "src/base/text.h"
#include "src/base/try.h"

namespace wgnet::netlink {
namespace {

constexpr char kOwn[] = "/proc/thread-self/ns/net";

#ifndef SO_NETNS_COOKIE
constexpr int SO_NETNS_COOKIE = 71;
#endif

bool IsOwn(int fd) {
  struct stat wanted;
  struct stat own;
  return fstat(fd, &wanted) == 0 && stat(kOwn, &own) == 0 && wanted.st_dev == own.st_dev &&
         wanted.st_ino == own.st_ino;
}

struct Visit {
  int fd;
  const std::function<void()>& body;
  int error = 0;
  std::exception_ptr thrown;
};

void* RunVisit(void* argument) {
  auto& visit = *static_cast<Visit*>(argument);
  if (setns(visit.fd, CLONE_NEWNET) != 0) {
    visit.error = errno;
    return nullptr;
  }
  try {
    visit.body();
  } catch (...) {  // the caller's, not the thread's
    visit.thrown = std::current_exception();
  }
  return nullptr;
}

int RunIn(int fd, const std::function<void()>& body) {
  if (IsOwn(fd)) {
    body();
    return 0;
  }
  Visit visit{fd, body};
  pthread_t thread;
  if (const int error = pthread_create(&thread, nullptr, RunVisit, &visit)) return error;
  pthread_join(thread, nullptr);
  if (visit.thrown) std::rethrow_exception(visit.thrown);
  return visit.error;
}

// A directory may outlive the boot, and with it the kernel's state.
std::string BootId() {
  const UniqueFd file(open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC));
  char text[36];
  const ssize_t size = file.ok() ? read(file.get(), text, sizeof text) : 0;
  return size > 0 ? std::string(text, static_cast<size_t>(size)) : "boot";
}

struct Meaning {
  ErrorCode code;
  std::string_view hint;
};

Meaning MeaningOf(int error) {
  switch (error) {
    case ENOENT:
      return {ErrorCode::kNotFound, "`ip netns list` names those that exist"};
    case EPERM:
    case EACCES:
      return {ErrorCode::kPermission, "entering one needs CAP_SYS_ADMIN"};
    default:
      return {ErrorCode::kIo, "a name of ip-netns(8), or a file such as /proc/PID/ns/net"};
  }
}

Error CannotEnter(std::string_view name, int error) {
  const Meaning meaning = MeaningOf(error);
  return {.code = meaning.code,
          .message =
              fmt::format("network namespace {}: {}", QuoteForMessage(name), std::strerror(error)),
          .where = "netns",
          .hint = std::string(meaning.hint),
          .error_number = error};
}

}  // namespace

Result<NetworkNamespace> NetworkNamespace::Open(std::string_view name) {
  std::string path(name);
  if (name.empty()) {
    path = kOwn;
  } else if (name == "." || name == "..") {
    return CannotEnter(name, ENOENT);
  } else if (name.find('/') == name.npos) {
    path = "/run/netns/" + path;
  }
  UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.ok()) return CannotEnter(name, errno);
  auto id = Identify(fd.get());
  if (!id) return CannotEnter(name, id.error().error_number);
  return NetworkNamespace(std::move(fd), *std::move(id));
}

Result<NetworkNamespace> NetworkNamespace::Share() const {
  UniqueFd fd(fcntl(fd_.get(), F_DUPFD_CLOEXEC, 0));
  if (!fd.ok()) return CannotEnter(id_, errno);
  return NetworkNamespace(std::move(fd), id_);
}

int NetworkNamespace::Run(const std::function<void()>& body) const {
  return RunIn(fd_.get(), body);
}

Result<std::string> NetworkNamespace::Identify(int fd) {
  std::string id;
  const std::string boot = BootId();
  const int error = RunIn(fd, [&] {
    const UniqueFd probe(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    uint64_t cookie = 0;
    socklen_t size = sizeof cookie;
    if (probe.ok() && getsockopt(probe.get(), SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &size) == 0) {
      id = fmt::format("{}-cookie-{}", boot, cookie);
    }
  });
  if (error != 0) return Error{.error_number = error};
  struct stat file;
  if (id.empty() && fstat(fd, &file) == 0) {
    id = fmt::format("{}-inode-{}-{}", boot, static_cast<uint64_t>(file.st_dev),
                     static_cast<uint64_t>(file.st_ino));
  }
  return id;
}

}  // namespace wgnet::netlink
