// SPDX-License-Identifier: MIT OR Apache-2.0
// wgnet for C99, and for every language that can call C. C++ programs have wgnet/wgnet.h.
//
// Conventions
//
// - Handles (wgnet_session_t, wgnet_node_t, wgnet_plan_t, wgnet_error_t) are opaque. What a call
//   hands out belongs to the caller, who gives it back to the function of the same name that ends
//   in _free or _close; NULL is taken there, too. A handle needs no other one to stay alive: a plan
//   outlives the session that made it.
// - Calls that can fail return a wgnet_status_t, and take a `wgnet_error_t **error` last. It may be
//   NULL. Else *error becomes NULL on success, and an error, which the caller frees, on failure;
//   what it held before is not freed. *error stays NULL when there is no memory for the error
//   itself: the status alone tells.
// - Other results are handed out through pointers. On failure they are set to NULL or 0.
// - A pointer that is NULL where it must not be, or a flag that is not known, gives
//   WGNET_INVALID_ARGUMENT, and nothing is done. What may be NULL is said to be "or NULL".
// - Texts are UTF-8 or plain bytes. A `const char *` that is taken ends in NUL; one with a length
//   beside it need not. They are copied: the caller may change or wipe them when the call returns.
//   A `char *` that is handed out ends in NUL, and wgnet_free() wipes and frees it. A `const char
//   *` that is returned is never NULL, and belongs to what it was asked of.
// - Keys are left out of every text, unless WGNET_REVEAL_SECRETS asks for them.
// - A handle belongs to one thread at a time; different handles know nothing of one another. There
//   is no global state, and errno means nothing after a call.
// - No C++ exception leaves a call. Out of memory is WGNET_NO_MEMORY.
// - Options are a struct that begins with its size, so that it can grow: set it up with its _INIT
//   macro. A member that is zero has its default.
// - Lengths and counts are size_t, all other integers have a fixed width.
#ifndef WGNET_C_H_
#define WGNET_C_H_

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define WGNET_API __attribute__((visibility("default")))
#else
#define WGNET_API
#endif

#ifdef __cplusplus
#define WGNET_NOEXCEPT noexcept
extern "C" {
#else
#define WGNET_NOEXCEPT
#endif

// ---- version ----

/// The ABI that this header describes: MAJOR * 1000 + MINOR of the newest symbol version,
/// WGNET_MAJOR.MINOR. Within one MAJOR from 1 on, functions are added and nothing else changes.
#define WGNET_ABI_VERSION 1

/// The version of the library that runs, e.g. "0.1.0". Lives forever.
WGNET_API const char* wgnet_version(void) WGNET_NOEXCEPT;

/// The WGNET_ABI_VERSION of the library that runs.
WGNET_API uint32_t wgnet_abi_version(void) WGNET_NOEXCEPT;

// ---- status ----

/// What became of a call. 0 is success, for calls that had nothing to do as well (their number of
/// steps is 0). The failures are positive: the numbers of wgnet::ErrorCode. No number is ever used
/// again for something else; later versions have more, so treat one that is not known as a failure.
typedef int32_t wgnet_status_t;

enum {
  WGNET_OK = 0,
  WGNET_INVALID_ARGUMENT = 1,  ///< an argument, an option or the node is wrong; `where` names it
  WGNET_PARSE = 2,             ///< a text is malformed; `where` is FILE:LINE:COLUMN or a JSON path
  WGNET_IO = 3,                ///< a file cannot be read or written
  WGNET_NOT_FOUND = 4,         ///< no such namespace, interface or owner
  WGNET_PERMISSION = 5,        ///< CAP_NET_ADMIN is missing in the namespace's user namespace
  WGNET_MODULE_MISSING = 6,    ///< the kernel has no WireGuard (or nf_tables), and cannot load it
  WGNET_NOT_SUPPORTED = 7,     ///< the kernel, or this build, lacks something else that is needed
  WGNET_NAME_TAKEN = 8,        ///< an interface of that name exists and belongs to somebody else
  WGNET_PORT_IN_USE = 9,       ///< the listen port is taken
  WGNET_CONFLICT = 10,         ///< somebody else's object stands where one of ours should
  WGNET_READ_ONLY = 11,        ///< a sysctl has the wrong value and cannot be written
  WGNET_BUSY = 12,    ///< another transaction holds the lock; the message names its process
  WGNET_STALE = 13,   ///< the kernel changed since the plan was made: plan again
  WGNET_KERNEL = 14,  ///< the kernel refused a step for another reason; see the errno
  WGNET_VERIFY = 15,  ///< every step succeeded, but the kernel is not as planned
  WGNET_ROLLBACK_INCOMPLETE = 16,  ///< a step failed and not all could be undone: the leftovers
  WGNET_STATE = 17,                ///< the state directory or a record in it is unsafe or damaged
  WGNET_UNRESOLVED = 18,           ///< a host name has no address
  WGNET_NO_MEMORY = 19,            ///< memory ran out before anything was changed
  WGNET_HOOK = 20,                 ///< a hook of a wg-quick file failed
  WGNET_DNS = 21                   ///< the resolver did not take name servers
};

/// The name, e.g. "name-taken", as in JSON; "ok" for 0, "unknown" for a number that is none. Lives
/// forever.
WGNET_API const char* wgnet_status_name(wgnet_status_t status) WGNET_NOEXCEPT;

// ---- memory ----

/// Wipes and frees a text that was handed out, or NULL.
WGNET_API void wgnet_free(char* text) WGNET_NOEXCEPT;

// ---- errors ----
// All of them take NULL, for which numbers are 0 and texts "". What is not known is 0 or "", too.
// The texts live as long as the error.

/// One failure, with what is known of it. Holds no keys.
typedef struct wgnet_error wgnet_error_t;

/// The status that the call returned.
WGNET_API wgnet_status_t wgnet_error_code(const wgnet_error_t* error) WGNET_NOEXCEPT;
/// One sentence, without `where` and `hint`.
WGNET_API const char* wgnet_error_message(const wgnet_error_t* error) WGNET_NOEXCEPT;
/// FILE:LINE:COLUMN, a JSON path, a setter such as Interface("wg0").Mtu, or a function of this
/// header and its argument.
WGNET_API const char* wgnet_error_where(const wgnet_error_t* error) WGNET_NOEXCEPT;
/// What to do about it.
WGNET_API const char* wgnet_error_hint(const wgnet_error_t* error) WGNET_NOEXCEPT;
/// The failing step of the plan, from 1; 0 when no step was running.
WGNET_API int32_t wgnet_error_step(const wgnet_error_t* error) WGNET_NOEXCEPT;
/// How many steps the plan has.
WGNET_API int32_t wgnet_error_steps(const wgnet_error_t* error) WGNET_NOEXCEPT;
/// The step, as the `ip`, `wg`, `nft` or `sysctl` command that does it.
WGNET_API const char* wgnet_error_command(const wgnet_error_t* error) WGNET_NOEXCEPT;
/// The errno of errno(3) that the kernel gave.
WGNET_API int32_t wgnet_error_errno(const wgnet_error_t* error) WGNET_NOEXCEPT;
/// The kernel's own sentence (NLMSGERR_ATTR_MSG).
WGNET_API const char* wgnet_error_kernel_message(const wgnet_error_t* error) WGNET_NOEXCEPT;
/// The attribute that the kernel points at, by its JSON name.
WGNET_API const char* wgnet_error_kernel_attribute(const wgnet_error_t* error) WGNET_NOEXCEPT;

/// How many steps a rollback could not take back. 0: the kernel is exactly as before the call.
WGNET_API size_t wgnet_error_leftover_count(const wgnet_error_t* error) WGNET_NOEXCEPT;
/// The step that could not be taken back, as a command; "" when `index` is not below the count.
WGNET_API const char* wgnet_error_leftover_command(const wgnet_error_t* error,
                                                   size_t index) WGNET_NOEXCEPT;
/// Why: the kernel's answer, or who changed the object meanwhile.
WGNET_API const char* wgnet_error_leftover_reason(const wgnet_error_t* error,
                                                  size_t index) WGNET_NOEXCEPT;

/// All of it, for a log or a user; more than one line where there is a hint or a leftover.
/// "step 7/12: ip route add 10.0.0.0/8 dev wg0: Network is unreachable; rolled back, nothing left"
WGNET_API const char* wgnet_error_to_string(const wgnet_error_t* error) WGNET_NOEXCEPT;

/// Takes NULL.
WGNET_API void wgnet_error_free(wgnet_error_t* error) WGNET_NOEXCEPT;

// ---- flags ----

/// Of the functions that write JSON, for `secrets`.
enum {
  WGNET_HIDE_SECRETS = 0,
  WGNET_REVEAL_SECRETS = 1  ///< private and preshared keys stand in the text, in base64
};

/// Of wgnet_node_from_conf(), for `flags`.
enum {
  WGNET_CONF_SKIP_HOOKS = 1,  ///< leave PreUp, PostUp, PreDown and PostDown out
  WGNET_CONF_SKIP_DNS = 2     ///< leave DNS out
};

// ---- nodes ----

/// Everything that one owner wants in one network namespace.
typedef struct wgnet_node wgnet_node_t;

/// An empty node. It wants nothing, so applying it removes all that the owner had. NULL when memory
/// ran out.
WGNET_API wgnet_node_t* wgnet_node_new(void) WGNET_NOEXCEPT;

/// Reads a document of schema "wgnet/1", of at most 64 MiB and 32 levels. A member that is not
/// known is an error. Errors: WGNET_PARSE, with the path in the document.
WGNET_API wgnet_status_t wgnet_node_from_json(const char* text, size_t length, wgnet_node_t** node,
                                              wgnet_error_t** error) WGNET_NOEXCEPT;

/// Reads a file of wg-quick(8), of at most 16 MiB, as a node with one interface. `file_name` is
/// what errors call the text; it is not opened. A node runs no hook, so a text with hooks is an
/// error (WGNET_NOT_SUPPORTED) unless `flags` has them skipped.
/// SaveConfig means something to wg-quick(8) alone, and is passed over. Other errors: WGNET_PARSE,
/// with `where` FILE:LINE:COLUMN; WGNET_INVALID_ARGUMENT for a name that no interface can have.
WGNET_API wgnet_status_t wgnet_node_from_conf(const char* text, size_t length,
                                              const char* interface_name, const char* file_name,
                                              uint32_t flags, wgnet_node_t** node,
                                              wgnet_error_t** error) WGNET_NOEXCEPT;

/// How much in the text was taken, but is probably not meant, such as a peer with the interface's
/// own key. 0 for NULL.
WGNET_API size_t wgnet_node_warning_count(const wgnet_node_t* node) WGNET_NOEXCEPT;
/// One of them, with its place: "wg0.conf:9:14: ..."; "" when there is none. Lives as long as the
/// node.
WGNET_API const char* wgnet_node_warning(const wgnet_node_t* node, size_t index) WGNET_NOEXCEPT;

/// A document that wgnet_node_from_json() takes. Keys that are hidden are left out.
WGNET_API wgnet_status_t wgnet_node_to_json(const wgnet_node_t* node, uint32_t secrets, char** text,
                                            wgnet_error_t** error) WGNET_NOEXCEPT;

/// Takes NULL.
WGNET_API void wgnet_node_free(wgnet_node_t* node) WGNET_NOEXCEPT;

// ---- plans ----

/// What has to be done to bring the kernel to a node. It holds keys, so free it when it is done.
typedef struct wgnet_plan wgnet_plan_t;

/// How many steps it has; 0: there is nothing to do. 0 for NULL.
WGNET_API size_t wgnet_plan_size(const wgnet_plan_t* plan) WGNET_NOEXCEPT;

/// How much a user should know before applying it. 0 for NULL.
WGNET_API size_t wgnet_plan_warning_count(const wgnet_plan_t* plan) WGNET_NOEXCEPT;
/// One of the warnings; "" when there is none. Lives as long as the plan.
WGNET_API const char* wgnet_plan_warning(const wgnet_plan_t* plan, size_t index) WGNET_NOEXCEPT;

/// Every step as the `ip`, `wg`, `nft` or `sysctl` commands that do the same, one on a line. Keys
/// stand as "$WGNET_SECRETS/wg0.key"; what the tools cannot say is a comment "# not expressible:".
WGNET_API wgnet_status_t wgnet_plan_explain(const wgnet_plan_t* plan, char** text,
                                            wgnet_error_t** error) WGNET_NOEXCEPT;

/// A document of schema "wgnet/1".
WGNET_API wgnet_status_t wgnet_plan_to_json(const wgnet_plan_t* plan, uint32_t secrets, char** text,
                                            wgnet_error_t** error) WGNET_NOEXCEPT;

/// Takes NULL.
WGNET_API void wgnet_plan_free(wgnet_plan_t* plan) WGNET_NOEXCEPT;

// ---- sessions ----

/// An open way into the kernel, for one owner in one network namespace. It moves no thread into
/// another namespace, keeps no thread, installs no signal handler, and all its descriptors are
/// close-on-exec.
typedef struct wgnet_session wgnet_session_t;

/// Of wgnet_session_options_t, for `unresolved_endpoint`.
enum {
  WGNET_UNRESOLVED_FAILS = 0,  ///< the plan fails with WGNET_UNRESOLVED
  WGNET_UNRESOLVED_LATER = 1   ///< the peer gets its endpoint at a later plan; a warning names it
};

/// How to open a session. `struct_size` may be that of an older header, and that of a newer one if
/// all that is new is zero; any other gives WGNET_INVALID_ARGUMENT.
typedef struct wgnet_session_options {
  size_t struct_size;
  /// Whose nodes are applied: 1 to 64 letters, digits and _.@+=-, or "wg-quick:" and an interface's
  /// name. An owner has one node in a namespace, and never touches what belongs to another. NULL:
  /// "default".
  const char* owner;
  /// A name of ip-netns(8), or the path of a namespace file. NULL: the calling thread's namespace.
  const char* netns;
  /// Where it is written what belongs to whom, and what a transaction is about to do. Changing
  /// or removing what has a key needs one on a tmpfs. NULL: "/run/wgnet".
  const char* state_dir;
  /// How many milliseconds to wait for another transaction in the namespace. Below 0: none. 0:
  /// 30000.
  int64_t lock_timeout_ms;
  /// How many milliseconds to look up the host names of a plan's endpoints, all together. Below 0:
  /// as long as it takes. 0: 20000.
  int64_t resolve_timeout_ms;
  /// How often a name without an answer for now is looked up again. Below 0: not. 0: 15.
  int32_t resolve_retries;
  /// What becomes of a peer whose endpoint's name does not resolve: WGNET_UNRESOLVED_...
  uint32_t unresolved_endpoint;
  /// The program that serves interfaces where the kernel has no WireGuard: a name that is looked
  /// for in PATH, or a path. NULL: "wireguard-go". "": none, and none that serves one is used.
  const char* userspace_implementation;
} wgnet_session_options_t;

#define WGNET_SESSION_OPTIONS_INIT \
  { sizeof(wgnet_session_options_t), NULL, NULL, NULL, 0, 0, 0, 0, NULL }

/// Opens a session; `options` or NULL. The state directory is made if it does not exist. Errors:
/// WGNET_INVALID_ARGUMENT for the owner, WGNET_NOT_FOUND for the namespace, WGNET_PERMISSION,
/// WGNET_IO, WGNET_STATE.
WGNET_API wgnet_status_t wgnet_session_open(const wgnet_session_options_t* options,
                                            wgnet_session_t** session,
                                            wgnet_error_t** error) WGNET_NOEXCEPT;

/// Takes NULL. Nothing in the kernel changes.
WGNET_API void wgnet_session_close(wgnet_session_t* session) WGNET_NOEXCEPT;

/// What has to be done to bring the kernel to the node. Reads, and changes nothing. Needs
/// CAP_NET_ADMIN in the user namespace of the network namespace. Errors: a mistake in the node
/// (WGNET_INVALID_ARGUMENT), what the kernel lacks, what stands in the way, WGNET_UNRESOLVED.
WGNET_API wgnet_status_t wgnet_session_plan(wgnet_session_t* session, const wgnet_node_t* node,
                                            wgnet_plan_t** plan,
                                            wgnet_error_t** error) WGNET_NOEXCEPT;

/// Carries a plan out, all of it or none of it, and says in *steps (or NULL) how many steps that
/// took. If the kernel changed since the plan was made, nothing is done (WGNET_STALE). After any
/// other failure the kernel is as before, or the error has leftovers.
WGNET_API wgnet_status_t wgnet_session_apply_plan(wgnet_session_t* session,
                                                  const wgnet_plan_t* plan, size_t* steps,
                                                  wgnet_error_t** error) WGNET_NOEXCEPT;

/// Plans and applies under one lock; plans again when the kernel changes meanwhile. *steps (or
/// NULL) is 0 if the kernel was as wanted already, and nothing was sent. Errors: those of
/// wgnet_session_plan() and wgnet_session_apply_plan(). Warnings show in a plan only.
WGNET_API wgnet_status_t wgnet_session_apply(wgnet_session_t* session, const wgnet_node_t* node,
                                             size_t* steps, wgnet_error_t** error) WGNET_NOEXCEPT;

/// Takes back a transaction whose process was killed in the middle, as opening a session does where
/// nobody else is at work. Brings the records of all owners and the kernel together again: removes
/// what an owner had for links that something else has taken away. *steps (or NULL) says how many
/// steps that took. Errors: those of wgnet_session_apply_plan().
WGNET_API wgnet_status_t wgnet_session_recover(wgnet_session_t* session, size_t* steps,
                                               wgnet_error_t** error) WGNET_NOEXCEPT;

/// What the namespace has, every WireGuard interface and every owner, as a document of schema
/// "wgnet/1". Needs CAP_NET_ADMIN, as wgnet_session_plan() does.
WGNET_API wgnet_status_t wgnet_session_snapshot_json(wgnet_session_t* session, uint32_t secrets,
                                                     char** text,
                                                     wgnet_error_t** error) WGNET_NOEXCEPT;

#ifdef __cplusplus
}
#endif

#endif  // WGNET_C_H_
