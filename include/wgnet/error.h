// SPDX-License-Identifier: MIT OR Apache-2.0
// Errors as values: wgnet throws nothing and prints nothing.
#ifndef WGNET_ERROR_H_
#define WGNET_ERROR_H_

#include <cassert>
#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace wgnet {

/// What went wrong. The numbers are stable: the C ABI and JSON carry them.
enum class ErrorCode : int32_t {
  kInvalidArgument = 1,  ///< a builder call, an option or an argument is wrong; `where` names it
  kParse = 2,            ///< a text is malformed; `where` is FILE:LINE:COLUMN or a JSON path
  kIo = 3,               ///< a file cannot be read or written
  kNotFound = 4,         ///< no such namespace, interface or owner
  kPermission = 5,     ///< CAP_NET_ADMIN is missing in the user namespace of the network namespace
  kModuleMissing = 6,  ///< the kernel has no WireGuard (or nf_tables), and cannot load it
  kNotSupported = 7,   ///< the kernel, or this build, lacks something else that the node needs
  kNameTaken = 8,      ///< an interface of that name exists and belongs to somebody else
  kPortInUse = 9,      ///< the listen port is taken
  kConflict = 10,      ///< somebody else's object stands where one of ours should
  kReadOnly = 11,      ///< a sysctl has the wrong value and cannot be written
  kBusy = 12,          ///< another transaction holds the lock; the message names its process
  kStale = 13,         ///< the kernel changed since the plan was made: plan again
  kKernel = 14,        ///< the kernel refused a step for another reason; see `error_number`
  kVerify = 15,        ///< every step succeeded, but the kernel is not as planned
  kRollbackIncomplete = 16,  ///< a step failed and not all could be undone; see `rollback`
  kState = 17,               ///< the state directory or a record in it is unsafe or damaged
  kUnresolved = 18,          ///< a host name has no address
  kNoMemory = 19,            ///< memory ran out; `rollback` is set if something had been changed
  kHook = 20,                ///< a hook of a wg-quick file failed; `command` is the hook
  kDns = 21,                 ///< the resolver did not take name servers, or would not give them up
};

/// The code's name, e.g. "name-taken". Stable.
std::string_view ErrorCodeName(ErrorCode code);

/// What a rollback did. `leftovers` is empty when the kernel is exactly as before.
struct RollbackReport {
  struct Leftover {
    std::string command;  ///< the step that could not be undone
    std::string reason;   ///< why: the kernel's answer, or who changed the object meanwhile
    bool operator==(const Leftover&) const = default;
  };
  int undone = 0;                   ///< steps that were taken back
  std::vector<std::string> lossy;   ///< what came back without its live state (WireGuard sessions)
  std::vector<Leftover> leftovers;  ///< what did not come back
  bool complete() const { return leftovers.empty(); }
  bool operator==(const RollbackReport&) const = default;
};

/// One failure, with what is known of it. Secrets never get in.
struct Error {
  ErrorCode code = ErrorCode::kKernel;
  std::string message;  ///< one sentence, without `where` and `hint`
  std::string where;    ///< FILE:LINE:COLUMN, a JSON path, or a setter such as Interface("wg0").Mtu
  std::string hint;     ///< what to do about it
  int step = 0;         ///< the failing step of the plan, from 1; 0: no step was running
  int steps = 0;        ///< how many steps the plan has
  std::string command;  ///< the step, as the `ip`, `wg`, `nft` or `sysctl` command that does it
  int error_number = 0;          ///< errno, or 0
  std::string kernel_message;    ///< the kernel's own sentence (NLMSGERR_ATTR_MSG), if it gave one
  std::string kernel_attribute;  ///< the attribute the kernel points at, by its JSON name
  std::optional<RollbackReport> rollback;  ///< set once something had been changed

  /// "step 7/12: ip route add 10.0.0.0/8 dev wg0: Network is unreachable; rolled back, nothing
  /// left"
  std::string ToString() const;
  /// A document of schema "wgnet/1": {"schema": ..., "error": {...}}.
  std::string ToJson() const;
  bool operator==(const Error&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Error& error);

/// A value or an Error. Reading the one that is not there is a programming error (asserted).
template <class T>
class [[nodiscard]] Result {
 public:
  // NOLINTBEGIN(google-explicit-constructor): `return value;` and `return error;`
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}
  // NOLINTEND(google-explicit-constructor)

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T& value() & { return Get(); }
  const T& value() const& { return Get(); }
  T&& value() && { return std::move(Get()); }
  T& operator*() & { return Get(); }
  const T& operator*() const& { return Get(); }
  T&& operator*() && { return std::move(Get()); }
  T* operator->() { return &Get(); }
  const T* operator->() const { return &Get(); }

  const Error& error() const& {
    assert(!ok());
    return *std::get_if<1>(&state_);
  }
  Error& error() & {
    assert(!ok());
    return *std::get_if<1>(&state_);
  }
  Error&& error() && { return std::move(error()); }

 private:
  T& Get() {
    assert(ok());
    return *std::get_if<0>(&state_);
  }
  const T& Get() const {
    assert(ok());
    return *std::get_if<0>(&state_);
  }
  std::variant<T, Error> state_;
};

/// Success, or an Error.
template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT(google-explicit-constructor)

  bool ok() const { return !error_; }
  explicit operator bool() const { return ok(); }

  const Error& error() const& {
    assert(error_);
    return *error_;
  }
  Error& error() & {
    assert(error_);
    return *error_;
  }
  Error&& error() && { return std::move(error()); }

 private:
  std::optional<Error> error_;
};

using Status = Result<void>;

}  // namespace wgnet

#endif  // WGNET_ERROR_H_
