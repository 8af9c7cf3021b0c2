// SPDX-License-Identifier: MIT OR Apache-2.0
// Changes of single lines; all others stay byte for byte.
#ifndef WGNET_CONF_EDIT_H_
#define WGNET_CONF_EDIT_H_

#include <cstddef>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "src/base/secret_memory.h"
#include "wgnet/conf.h"

namespace wgnet::conf {

/// Lines of a file that belong together, by their place in it.
using Scope = std::vector<size_t>;

class Edit {
 public:
  /// The file must outlive it.
  explicit Edit(const ConfFile& file);

  /// The lines of each section, with the comments that stand right above its header.
  std::vector<Scope> Blocks() const;

  /// The key's value, where it may stand once: its last line in the scope gets it, or a new line
  /// behind the scope's other keys. Without a value all its lines go.
  void SetValue(const Scope& scope, std::string_view key, std::optional<SecretString> value);
  /// The key's values, where they add up: a value that `keeps` does not want goes, with its line if
  /// it was the last one there; `missing` come in a line of their own.
  void SetValues(const Scope& scope, std::string_view key,
                 const std::function<bool(std::string_view)>& keeps, std::string_view missing);
  void Drop(const Scope& scope);
  /// A line at the end of the file.
  void Append(SecretString line);

  SecretString Finish() const;

 private:
  struct Entry {
    std::optional<SecretString> text;  // in place of the line
    bool gone = false;
    std::vector<SecretString> after;
  };

  bool HasKey(size_t line, std::string_view key) const;
  void Rewrite(size_t line, std::string_view value);
  void InsertBehindKeys(const Scope& scope, SecretString line);

  const ConfFile& file_;
  std::vector<Entry> entries_;  // by line
  std::vector<SecretString> appended_;
};

}  // namespace wgnet::conf

#endif  // WGNET_CONF_EDIT_H_
