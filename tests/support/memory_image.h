// SPDX-License-Identifier: MIT OR Apache-2.0
// What a process leaves behind when it aborts, and keys in it.
#ifndef WGNET_TESTS_SUPPORT_MEMORY_IMAGE_H_
#define WGNET_TESTS_SUPPORT_MEMORY_IMAGE_H_

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "src/base/secret_memory.h"
#include "wgnet/key.h"

namespace wgnet::testing {

/// Keys to be found in bytes: raw, as base64, and as hexadecimal digits of either case; a half of
/// one is enough. Its own texts are in secret memory, so that a process that inherits them does not
/// show them.
class KeyMarks {
 public:
  void Add(std::string_view name, const SecretKey& key);
  /// What is found: names, forms and places, one a line; empty: nothing.
  std::string FindIn(std::string_view bytes) const;

 private:
  struct Mark {
    std::string name;
    SecretString text;
  };
  void AddHalves(const std::string& name, std::string_view text);
  std::vector<Mark> marks_;
};

/// Whether the kernel writes core files into the directory of the process. Where it hands them to a
/// program, the process has to stop instead, and its memory is read.
bool WritesCores();

/// Ends the process, and leaves its memory: a core file named "core", or for the caller of
/// TakeImage.
void LeaveImage();

/// Waits for the child. True: it has left its memory, which is written to `path`; false: it ended
/// otherwise, with `status` as of waitpid(2). `directory` is where it ran.
bool TakeImage(pid_t child, const std::string& directory, std::string& image, int& status);

}  // namespace wgnet::testing

#endif  // WGNET_TESTS_SUPPORT_MEMORY_IMAGE_H_
