// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/conf/route_tables.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <vector>

#include "src/base/text.h"
#include "src/conf/ascii.h"
#include "src/conf/read_file.h"

namespace wgnet::conf {
namespace {

constexpr size_t kMostBytes = 1 << 20;

std::string_view NextWord(std::string_view& line) {
  line = Trim(line);
  const auto end = std::find_if(line.begin(), line.end(), IsSpace);
  const std::string_view word = line.substr(0, static_cast<size_t>(end - line.begin()));
  line.remove_prefix(word.size());
  return word;
}

// NUMBER NAME, and a comment or nothing.
std::optional<uint32_t> NumberIfNamed(std::string_view line, std::string_view name) {
  const auto number = ParseNumber(NextWord(line), UINT32_MAX);
  if (!number || *number == 0 || NextWord(line) != name) return std::nullopt;
  return static_cast<uint32_t>(*number);
}

std::optional<uint32_t> FindInFile(const std::string& path, std::string_view name) {
  const auto file = ReadFile(path, kMostBytes);
  if (!file) return std::nullopt;
  std::string_view rest = file->bytes.text();
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    if (const auto number = NumberIfNamed(line, name)) return number;
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
  }
  return std::nullopt;
}

std::vector<std::string> FilesIn(const std::string& directory) {
  std::vector<std::string> files;
  std::error_code error;
  const std::filesystem::directory_iterator entries(directory + "/rt_tables.d", error);
  for (auto entry = begin(entries); !error && entry != end(entries); entry.increment(error)) {
    if (entry->path().extension() == ".conf") files.push_back(entry->path().string());
  }
  std::sort(files.begin(), files.end());
  files.insert(files.begin(), directory + "/rt_tables");
  return files;
}

}  // namespace

std::span<const std::string> RouteTableDirectories() {
  static const std::string directories[] = {"/etc/iproute2", "/usr/share/iproute2",
                                            "/usr/lib/iproute2"};
  return directories;
}

std::optional<uint32_t> RouteTableByName(std::string_view name,
                                         std::span<const std::string> directories) {
  if (name.empty()) return std::nullopt;
  for (const std::string& directory : directories) {
    for (const std::string& file : FilesIn(directory)) {
      if (const auto number = FindInFile(file, name)) return number;
    }
  }
  return std::nullopt;
}

}  // namespace wgnet::conf
