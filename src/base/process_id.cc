// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/base/process_id.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <charconv>
#include <string>
#include <string_view>

namespace wgnet {
namespace {

constexpr int kStartTime = 22;
constexpr int kState = 3;  // the first field behind the name, which may hold anything

// 0: there is no such process, or it has ended and nobody has waited for it.
uint64_t StartTimeOf(int32_t pid) {
  const std::string path = "/proc/" + std::to_string(pid) + "/stat";
  const UniqueFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  char text[1024];
  const ssize_t size = file.ok() ? read(file.get(), text, sizeof text) : 0;
  std::string_view rest(text, size > 0 ? static_cast<size_t>(size) : 0);
  const size_t name_end = rest.rfind(") ");
  if (name_end == rest.npos) return 0;
  rest.remove_prefix(name_end + 2);
  if (rest.starts_with('Z') || rest.starts_with('X')) return 0;
  for (int field = kState; field < kStartTime; ++field) {
    const size_t space = rest.find(' ');
    if (space == rest.npos) return 0;
    rest.remove_prefix(space + 1);
  }
  uint64_t start_time = 0;
  std::from_chars(rest.data(), rest.data() + rest.size(), start_time);
  return start_time;
}

}  // namespace

ProcessId ProcessId::Own() { return {getpid(), StartTimeOf(getpid())}; }

bool ProcessId::IsAlive() const { return start_time != 0 && StartTimeOf(pid) == start_time; }

UniqueFd ProcessId::Open() const {
  UniqueFd fd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  return IsAlive() ? std::move(fd) : UniqueFd();
}

}  // namespace wgnet
