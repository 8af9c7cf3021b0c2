// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/wireguard/socket_directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <net/if.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "src/wireguard/uapi.h"

namespace wgnet::wireguard {
namespace {

constexpr std::string_view kSuffix = ".sock";
constexpr size_t kFirstRead = 16 * 1024;

// NAME.sock; empty for what no interface can be called.
struct FileName {
  explicit FileName(std::string_view interface) {
    const bool sound = !interface.empty() && interface.size() < IFNAMSIZ &&
                       interface.find('/') == std::string_view::npos;
    if (!sound) return;
    std::copy(interface.begin(), interface.end(), text);
    std::copy(kSuffix.begin(), kSuffix.end(), text + interface.size());
  }
  char text[IFNAMSIZ + kSuffix.size()] = {};
};

bool IsTrusted(uid_t owner) { return owner == 0 || owner == geteuid(); }

bool IsTrusted(const struct stat& status) {
  return IsTrusted(status.st_uid) && (status.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

// The one who called listen(2).
bool IsTrustedPeer(int socket) {
  ucred peer{};
  socklen_t size = sizeof peer;
  return getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && IsTrusted(peer.uid);
}

void SetTimeouts(int socket, std::chrono::milliseconds patience) {
  const timeval time{patience.count() / 1000, patience.count() % 1000 * 1000};
  setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time);  // of connect(2), too
  setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
}

// A timeout is EAGAIN to the kernel.
int SocketError() { return errno == EAGAIN ? ETIMEDOUT : errno == EPIPE ? ECONNRESET : errno; }

int SendAll(int socket, std::string_view text) {
  while (!text.empty()) {
    const ssize_t sent = send(socket, text.data(), text.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return SocketError();
    text.remove_prefix(static_cast<size_t>(sent));
  }
  return 0;
}

int ReceiveAnswer(int socket, SecretBuffer& answer) {
  answer.Clear();
  answer.Reserve(kFirstRead);
  while (true) {
    const size_t had = answer.size();
    if (had >= kMostAnswer) return EBADMSG;
    if (had == answer.capacity()) answer.Reserve(2 * had);
    answer.Resize(answer.capacity());
    ssize_t got;
    do {
      got = recv(socket, answer.data() + had, answer.capacity() - had, 0);
    } while (got < 0 && errno == EINTR);
    const int error = got < 0 ? SocketError() : got == 0 ? ECONNRESET : 0;
    answer.Resize(had + static_cast<size_t>(std::max<ssize_t>(got, 0)));
    if (error != 0) return error;
    const size_t end = answer.text().find(kEnd, had == 0 ? 0 : had - 1);
    if (end == std::string_view::npos) continue;
    answer.Resize(end + kEnd.size());
    return 0;
  }
}

}  // namespace

UniqueFd SocketDirectory::Open() const {
  UniqueFd directory(
      open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
  struct stat status;
  if (directory.ok() && (fstat(directory.get(), &status) != 0 || !IsTrusted(status))) return {};
  return directory;
}

int SocketDirectory::Connect(std::string_view interface, UniqueFd& connected) const {
  const UniqueFd directory = Open();
  const FileName name(interface);
  struct stat status;
  if (!directory.ok() || fstatat(directory.get(), name.text, &status, AT_SYMLINK_NOFOLLOW) != 0) {
    return ENOENT;
  }
  if (!S_ISSOCK(status.st_mode)) return ENOTSOCK;
  if (!IsTrusted(status.st_uid)) return EPERM;
  UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket.ok()) return errno;
  SetTimeouts(socket.get(), patience_);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  // By the open directory, which nobody can exchange meanwhile.
  std::snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/%s", directory.get(),
                name.text);
  if (connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return SocketError();
  }
  if (!IsTrustedPeer(socket.get())) return EPERM;
  connected = std::move(socket);
  return 0;
}

SocketDirectory::State SocketDirectory::Look(std::string_view interface) const {
  UniqueFd socket;
  switch (Connect(interface, socket)) {
    case 0:
    case ETIMEDOUT:
      return State::kServed;
    case ECONNREFUSED:
      return State::kStale;
    default:
      return State::kNone;
  }
}

bool SocketDirectory::HasAny() const {
  const UniqueFd directory = Open();
  if (!directory.ok()) return false;
  alignas(dirent64) char entries[2048];
  while (true) {
    const long size = syscall(SYS_getdents64, directory.get(), entries, sizeof entries);
    if (size <= 0) return false;
    for (long at = 0; at < size;) {
      const auto* entry = reinterpret_cast<const dirent64*>(entries + at);
      if (std::string_view(entry->d_name).ends_with(kSuffix)) return true;
      at += entry->d_reclen;
    }
  }
}

int SocketDirectory::Ask(std::string_view interface, std::string_view request,
                         SecretBuffer& answer) const {
  UniqueFd socket;
  if (const int error = Connect(interface, socket)) return error;
  // A program that refuses a line answers at once, and reads no further.
  const int send_error = SendAll(socket.get(), request);
  if (send_error != 0 && send_error != ECONNRESET) return send_error;
  return ReceiveAnswer(socket.get(), answer);
}

int SocketDirectory::RemoveStale(std::string_view interface) const {
  switch (Look(interface)) {
    case State::kNone:
      return 0;
    case State::kServed:
      return EBUSY;
    case State::kStale:
      break;
  }
  const UniqueFd directory = Open();
  const FileName name(interface);
  return unlinkat(directory.get(), name.text, 0) == 0 || errno == ENOENT ? 0 : errno;
}

}  // namespace wgnet::wireguard
