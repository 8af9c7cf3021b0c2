// SPDX-License-Identifier: MIT OR Apache-2.0
#include "key_text.h"

#include "input.h"

namespace cli {
namespace {

using wgnet::Error;
using wgnet::ErrorCode;
using wgnet::Result;
using wgnet::SecretKey;

constexpr size_t kKeySize = 44;  // with the one `=` at its end
constexpr size_t kMostFile = 1 << 20;

Error BadKey(const char* message) { return {.code = ErrorCode::kParse, .message = message}; }

}  // namespace

Result<SecretKey> ReadKey(std::string_view text, std::string_view ignored) {
  auto key = SecretKey::Parse(text.substr(0, kKeySize));
  if (text.size() < kKeySize) return BadKey("Key is not the correct length or format");
  if (text.find_first_not_of(ignored, kKeySize) != text.npos) {
    return BadKey("Trailing characters found after key");
  }
  if (!key) return BadKey("Key is not the correct length or format");
  return key;
}

Result<SecretKey> ReadKeyFile(const std::string& path) {
  const auto text = ReadFile(path, kMostFile);
  auto key = !text           ? Result<SecretKey>(text.error())
             : text->empty() ? SecretKey()
                             : ReadKey(*text, "\t\n\v\f\r ");
  if (key) return key;
  key.error().where = HoldsKey(path) ? "a key file" : path;
  key.error().hint = "a key is read from a file, never from the command line";
  return key;
}

bool HoldsKey(std::string_view argument) {
  for (size_t end = argument.find('='); end != argument.npos; end = argument.find('=', end + 1)) {
    const size_t size = end + 1;
    if (size >= kKeySize && wgnet::SecretKey::Parse(argument.substr(size - kKeySize, kKeySize))) {
      return true;
    }
  }
  return false;
}

Error KeyOnCommandLine(ptrdiff_t argument) {
  return {.code = ErrorCode::kInvalidArgument,
          .message = "a key stands on the command line, where others see it",
          .where = "argument " + std::to_string(argument),
          .hint = "make a new one; keys belong in files and standard input"};
}

}  // namespace cli
