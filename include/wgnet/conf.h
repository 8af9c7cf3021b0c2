// SPDX-License-Identifier: MIT OR Apache-2.0
// Configuration files of wg(8) and wg-quick(8).
#ifndef WGNET_CONF_H_
#define WGNET_CONF_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "wgnet/device_update.h"
#include "wgnet/dns.h"
#include "wgnet/error.h"
#include "wgnet/node.h"
#include "wgnet/plan.h"
#include "wgnet/snapshot.h"
#include "wgnet/types.h"

namespace wgnet {

/// A configuration file, as it was written and as what it means.
///
/// What the two programs take is taken, and means what the newest of them make of it. Errors here
/// though not there: two peers that claim one prefix, an allowed IP marked with `-` and a public
/// key of zeros (in a file of kWg: of ToNode only), a port above 65535, an octal number or a short
/// address such as 10.1 (which ip(8) takes), a name server with a zone or a port, a NUL byte, and a
/// file of more than 16 MiB, 2^20 lines, or 1 MiB in a line. A peer with the interface's own key,
/// which the kernel passes over, is left out with a warning.
///
/// Hosts are not looked up; names of services and of routing tables are, in this machine's files.
///
/// Errors have code kParse and `where` FILE:LINE:COLUMN; a value that is rejected is pointed at
/// itself. No error and no warning quotes a key, or what may be one.
///
/// The text holds keys, so it lives in locked memory that is zeroed when freed. Every string_view
/// given out points in there, and is valid as long as the ConfFile, or the one it was moved to. A
/// ConfFile that was moved from may only be assigned to or destroyed.
class ConfFile {
 public:
  /// Whose file it is.
  enum class Grammar : uint8_t {
    kWgQuick,  ///< the keys of wg-quick(8), and those of wg(8)
    kWg,       ///< those of wg(8) alone: what `wg setconf` takes
  };

  /// Reads `text`; errors call it `name`.
  static Result<ConfFile> Parse(std::string_view text, std::string_view name,
                                Grammar grammar = Grammar::kWgQuick);
  /// Reads a file, a pipe or a character device such as /dev/null. kIo when it cannot be read.
  /// Warns, as wg-quick(8) does, when others than its owner and group can reach a file.
  static Result<ConfFile> Read(std::string_view path, Grammar grammar = Grammar::kWgQuick);

  /// The file that an argument of wg-quick(8) stands for.
  struct Location {
    std::string path;
    std::string interface;
    bool operator==(const Location&) const = default;
  };
  /// "wg0" is the interface wg0 and /etc/wireguard/wg0.conf; "./wg0.conf" is that file, and wg0
  /// too. Nothing is opened, no symbolic link followed. kInvalidArgument for anything else.
  static Result<Location> Locate(std::string_view argument);

  ConfFile(ConfFile&& other) noexcept;
  ConfFile& operator=(ConfFile&& other) noexcept;
  ~ConfFile();

  // ---- as it was written ----

  /// Where something stands. Both count from 1, the column in bytes.
  struct Place {
    int line = 0;
    int column = 0;
    bool operator==(const Place&) const = default;
  };

  enum class LineKind : uint8_t { kBlank, kComment, kSection, kKey };

  /// One line. The parts are as they were written, less white space around `key` and `value`.
  struct Line {
    LineKind kind = LineKind::kBlank;
    int number = 0;            ///< from 1
    std::string_view text;     ///< all of it but `end`
    std::string_view end;      ///< "\n", "\r\n", or "" at the end of the text
    std::string_view key;      ///< of kKey; of kSection the header, "[Peer]"
    std::string_view value;    ///< of kKey
    std::string_view comment;  ///< from the `#` on; a hook's value keeps its `#`
    bool is_wg_quick = false;  ///< the key is wg-quick(8)'s own: `wg-quick strip` leaves it out

    /// Where `part` of this line stands.
    Place PlaceOf(std::string_view part) const {
      return {number, static_cast<int>(part.data() - text.data()) + 1};
    }
  };

  enum class SectionKind : uint8_t { kNone, kInterface, kPeer };

  /// A section header and what stands under it. kNone: what stands above the first header.
  struct Section {
    SectionKind kind = SectionKind::kNone;
    std::span<const Line> lines;
  };

  std::string_view name() const;
  Grammar grammar() const;
  /// The text, byte for byte: `text` and `end` of all lines, one after the other.
  std::string_view text() const;
  /// A copy of text(). The caller wipes it.
  std::string ToString() const;
  std::span<const Line> lines() const;
  /// In file order; together they hold every line.
  std::span<const Section> sections() const;

  // ---- what it means ----

  /// A node with one interface: key, port, mark, addresses, MTU, table, the peers in the order in
  /// which they first stand in the file, and, `with_dns`, its name servers and search domains.
  /// Fails only for a name that no interface can have.
  ///
  /// The last of several values of one key holds; Address and AllowedIPs add up. A peer that stands
  /// twice is one: the second section replaces the allowed IPs, unless they are marked with `+`,
  /// and whatever else it says.
  Result<Node> ToNode(std::string_view interface_name, bool with_dns = true) const;

  enum class Update : uint8_t {
    kAdd,   ///< `wg addconf`: what the file says, and all else stays
    kSet,   ///< `wg setconf`: what the file says, and nothing else
    kSync,  ///< `wg syncconf`: the same, but learned endpoints and a port in use stay
  };
  /// What wg(8) does to an interface that exists, with the keys of its grammar; those of
  /// wg-quick(8) do not count. Of two peers that claim one prefix, the last gets it. Fails only for
  /// a name that no interface can have.
  Result<DeviceUpdate> ToDeviceUpdate(std::string_view interface_name, Update how) const;

  template <class T>
  struct Placed {
    T value;
    Place place;
    bool operator==(const Placed&) const = default;
  };

  struct Dns {
    std::vector<Placed<IpAddress>> servers;
    std::vector<Placed<DomainName>> search;
    bool operator==(const Dns&) const = default;
  };
  const Dns& dns() const;

  enum class HookPhase : uint8_t { kPreUp, kPostUp, kPreDown, kPostDown };

  struct Hook {
    HookPhase phase = HookPhase::kPreUp;
    std::string_view command;  ///< for bash(1); `%i` still stands for the interface's name
    int line = 0;
    bool operator==(const Hook&) const = default;
  };
  /// In file order, all phases.
  const std::vector<Hook>& hooks() const;
  /// The same by phase, with the interface's name for `%i`.
  Hooks HooksFor(std::string_view interface_name) const;

  /// SaveConfig: `down` writes the interface's state into the file.
  bool save_config() const;
  /// This text, edited to say what an interface has: addresses, port, mark, keys and peers, and the
  /// MTU if the file says one. What is right stays as it is written, comments and order too, and a
  /// peer's host name stays whatever its address is. The caller wipes the text.
  std::string WithState(const DeviceStatus& state) const;
  /// Puts WithState in place of the file at `path`: a new file with the old one's owner and mode is
  /// written beside it and renamed. Nothing is written if nothing changes. kIo.
  Status Save(const DeviceStatus& state, const std::string& path) const;

  /// What is accepted but probably not meant, each with its place: "wg0.conf:9:14: ...".
  const std::vector<std::string>& warnings() const;

 private:
  struct Impl;
  explicit ConfFile(std::unique_ptr<Impl> impl);
  static Result<ConfFile> Interpret(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace wgnet

#endif  // WGNET_CONF_H_
