// SPDX-License-Identifier: MIT OR Apache-2.0
// genkey, genpsk, pubkey: as wg(8) does them.
#include <sys/stat.h>
#include <unistd.h>

#include "command.h"
#include "input.h"
#include "key_text.h"
#include "secret_text.h"
#include "wgnet/key.h"

namespace cli {
namespace {

using wgnet::SecretKey;

constexpr size_t kMostInput = 1 << 20;
constexpr std::string_view kIgnored("\0\t\n\v\f\r ", 7);  // after the key

Outcome PrintKey(std::string_view name, SecretText key, const Console& console) {
  SecretText text;
  if (console.json()) {
    text = R"({"schema":"wgnet/1",")";
    text += name;
    text += R"(":")";
    text += key;
    text += R"("})";
  } else {
    text = std::move(key);
  }
  return DoneIf(console.Print(text += '\n'));
}

Outcome PrintNewKey(std::string_view name, const SecretKey& key, const Console& console) {
  struct stat info;
  if (fstat(STDOUT_FILENO, &info) == 0 && S_ISREG(info.st_mode) && (info.st_mode & S_IRWXO) != 0) {
    console.Warn("writing to a world accessible file; set the umask to 077 and try again");
  }
  return PrintKey(name, TakeSecret(key.Reveal()), console);
}

}  // namespace

Outcome GenKey(const Arguments&, const Console& console) {
  return PrintNewKey("private_key", SecretKey::GeneratePrivate(), console);
}

Outcome GenPsk(const Arguments&, const Console& console) {
  return PrintNewKey("preshared_key", SecretKey::GeneratePreshared(), console);
}

Outcome PubKey(const Arguments&, const Console& console) {
  const auto input = ReadAll(STDIN_FILENO, "<stdin>", kMostInput);
  if (!input) return input.error();
  const auto key = ReadKey(*input, kIgnored);
  if (!key) return key.error();
  return PrintKey("public_key", TakeSecret(key->Public().ToString()), console);
}

}  // namespace cli
