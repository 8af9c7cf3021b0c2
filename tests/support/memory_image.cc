// SPDX-License-Identifier: MIT OR Apache-2.0
#include "tests/support/memory_image.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sodium.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <bitset>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "src/base/unique_fd.h"

namespace wgnet::testing {
namespace {

std::string ReadText(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

uint16_t FirstTwo(const char* text) {
  uint16_t value;
  std::memcpy(&value, text, sizeof value);
  return value;
}

// What core(5) has of a process but its file mappings: all that is not marked "dd".
std::string ReadMemory(pid_t process) {
  const std::string proc = fmt::format("/proc/{}/", process);
  const UniqueFd memory(open((proc + "mem").c_str(), O_RDONLY | O_CLOEXEC));
  std::istringstream maps(ReadText(proc + "smaps"));
  std::string image;
  uint64_t begin = 0;
  uint64_t end = 0;
  for (std::string line; std::getline(maps, line);) {
    unsigned long from;
    unsigned long to;
    char flags[5];
    if (std::sscanf(line.c_str(), "%lx-%lx %4s", &from, &to, flags) == 3) {
      begin = from;
      end = flags[0] == 'r' && line.find("[v") == line.npos ? to : from;
    }
    if (!line.starts_with("VmFlags:") || line.find(" dd") != line.npos) continue;
    const size_t at = image.size();
    image.resize(at + (end - begin));
    const ssize_t size =
        pread(memory.get(), image.data() + at, end - begin, static_cast<off_t>(begin));
    image.resize(at + static_cast<size_t>(std::max<ssize_t>(size, 0)));
  }
  return image;
}

}  // namespace

namespace {

// Byte by byte, so that the process, and those that it forks, keep nothing of it in vector
// registers.
SecretString CopySlowly(std::string_view text) {
  SecretString copy;
  copy.reserve(text.size());
  for (const char c : text) copy += c;
  return copy;
}

bool StartsWith(std::string_view bytes, const SecretString& text) {
  return bytes.size() >= text.size() && sodium_memcmp(bytes.data(), text.data(), text.size()) == 0;
}

}  // namespace

void KeyMarks::AddHalves(const std::string& name, std::string_view text) {
  marks_.push_back({name + ", first half", CopySlowly(text.substr(0, text.size() / 2))});
  marks_.push_back({name + ", second half", CopySlowly(text.substr(text.size() / 2))});
}

void KeyMarks::Add(std::string_view name, const SecretKey& key) {
  constexpr size_t kDigits = 2 * SecretKey::kSize;
  const std::string is(name);
  const auto bytes = key.bytes();
  AddHalves(is + " raw", {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  std::string base64 = key.Reveal();
  AddHalves(is + " in base64", std::string_view(base64).substr(0, base64.size() - 2));
  WipeMemory(base64.data(), base64.size());
  SecretString lower(kDigits, '0');
  SecretString upper(kDigits, '0');
  for (size_t i = 0; i < kDigits; ++i) {
    const unsigned digit = bytes[i / 2] >> (i % 2 == 0 ? 4 : 0) & 0xf;
    lower[i] = "0123456789abcdef"[digit];
    upper[i] = "0123456789ABCDEF"[digit];
  }
  AddHalves(is + " in hex", lower);
  AddHalves(is + " in HEX", upper);
  WipeVectorRegisters();
}

std::string KeyMarks::FindIn(std::string_view bytes) const {
  std::bitset<65536> starts;
  for (const Mark& mark : marks_) starts.set(FirstTwo(mark.text.data()));
  std::string found;
  for (size_t at = 0; at + 2 <= bytes.size(); ++at) {
    if (!starts.test(FirstTwo(bytes.data() + at))) continue;
    for (const Mark& mark : marks_) {
      if (!StartsWith(bytes.substr(at), mark.text)) continue;
      found += fmt::format("{} at {:#x} of {:#x}\n", mark.name, at, bytes.size());
    }
  }
  return found;
}

bool WritesCores() {
  const std::string pattern = ReadText("/proc/sys/kernel/core_pattern");
  return pattern == "core\n" && ReadText("/proc/sys/kernel/core_uses_pid") == "0\n";
}

void LeaveImage() {
  if (!WritesCores()) {
    raise(SIGSTOP);
    _exit(99);
  }
  const rlimit unlimited{RLIM_INFINITY, RLIM_INFINITY};
  setrlimit(RLIMIT_CORE, &unlimited);
  abort();
}

bool TakeImage(pid_t child, const std::string& directory, std::string& image, int& status) {
  waitpid(child, &status, WUNTRACED);
  if (WIFSTOPPED(status)) {
    image = ReadMemory(child);
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    return true;
  }
  if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT || !WCOREDUMP(status)) return false;
  image = ReadText(directory + "/core");
  std::filesystem::remove(directory + "/core");
  return true;
}

}  // namespace wgnet::testing
