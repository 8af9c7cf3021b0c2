// SPDX-License-Identifier: MIT OR Apache-2.0
// wgnet for C99, and for every language that can call C. C++ programs have wgnet/wgnet.h.
//
// Conventions
//
// - Handles (wgnet_session_t, wgnet_node_t, wgnet_plan_t, wgnet_watcher_t, wgnet_error_t) are
//   opaque. What a call hands out belongs to the caller, who gives it back to the function of the
//   same name that ends in _free or _close; NULL is taken there, too. A handle needs no other one
//   to stay alive: a plan or a watcher outlives the session that made it.
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
// - A handle belongs to one thread at a time; different handles know nothing of one another, but
//   for a watcher, which belongs to the thread of its session. There is no global state, and errno
//   means nothing after a call.
// - A function that a call is given is called on the caller's thread, with the `data` beside it,
//   until the call returns. No exception and no longjmp(3) may leave it.
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
  WGNET_NOT_FOUND = 4,         ///< no such namespace, interface or owner; or no change waits
  WGNET_PERMISSION = 5,        ///< CAP_NET_ADMIN is missing in the namespace's user namespace
  WGNET_MODULE_MISSING = 6,    ///< the kernel has no WireGuard (or nf_tables), and cannot load it
  WGNET_NOT_SUPPORTED = 7,     ///< the kernel, or this build, lacks something else that is needed
  WGNET_NAME_TAKEN = 8,        ///< an interface of that name exists and belongs to somebody else
  WGNET_PORT_IN_USE = 9,       ///< the listen port is taken
  WGNET_CONFLICT = 10,         ///< somebody else's object stands where one of ours should
  WGNET_READ_ONLY = 11,        ///< a sysctl has the wrong value and cannot be written
  WGNET_BUSY = 12,    ///< a transaction, or a change to confirm, stands in the way; whose is named
  WGNET_STALE = 13,   ///< the kernel changed since the plan was made: plan again
  WGNET_KERNEL = 14,  ///< the kernel refused a step for another reason; see the errno
  WGNET_VERIFY = 15,  ///< all was done, but the kernel is not as planned, or a probe says no
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

/// Of wgnet_session_options_t, for `recovery`.
enum {
  WGNET_RECOVER_BACK = 0,    ///< everything is as before it
  WGNET_RECOVER_FORWARD = 1  ///< it is carried on to its end; needs a state directory on a tmpfs
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
  /// 1: plans may take over an address, a route or a rule that belongs to no owner and is as the
  /// node wants it. It goes when the node does not want it any more. 0: it is WGNET_CONFLICT.
  uint32_t adopt_identical;
  /// How a transaction ends whose process is killed in the middle: WGNET_RECOVER_... A change that
  /// has to be confirmed always goes back.
  uint32_t recovery;
  /// The wgnet program, a name that is looked for in PATH, or a path: it takes a change back that
  /// is not confirmed in time. Where it cannot be run, no change is made that has to be confirmed.
  /// NULL: "wgnet". "": none, and the caller runs wgnet_session_guard() in another process.
  const char* guardian;
  /// The names of `adopt_count` interfaces that plans may take over. One that exists, is
  /// WireGuard's and belongs to no owner counts as this owner's, with all that wg-quick(8) makes
  /// for it.
  const char* const* adopt;
  size_t adopt_count;
} wgnet_session_options_t;

#define WGNET_SESSION_OPTIONS_INIT \
  { sizeof(wgnet_session_options_t), NULL, NULL, NULL, 0, 0, 0, 0, NULL, 0, 0, NULL, NULL, 0 }

/// Opens a session; `options` or NULL. The state directory is made if it does not exist. Errors:
/// WGNET_INVALID_ARGUMENT for the owner, WGNET_NOT_FOUND for the namespace, WGNET_PERMISSION,
/// WGNET_IO, WGNET_STATE.
WGNET_API wgnet_status_t wgnet_session_open(const wgnet_session_options_t* options,
                                            wgnet_session_t** session,
                                            wgnet_error_t** error) WGNET_NOEXCEPT;

/// Takes NULL. Nothing in the kernel changes.
WGNET_API void wgnet_session_close(wgnet_session_t* session) WGNET_NOEXCEPT;

/// What opening the session brought to an end: transactions whose process was killed in the middle,
/// and changes that nobody confirmed in time. A document of schema "wgnet/1", whose lists are empty
/// if there was nothing.
WGNET_API wgnet_status_t wgnet_session_recovered_json(const wgnet_session_t* session, char** text,
                                                      wgnet_error_t** error) WGNET_NOEXCEPT;

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
/// steps that took, with those of opening the session. WGNET_ROLLBACK_INCOMPLETE: all was tried,
/// and the error has what did not come back, now or when the session was opened. Other errors:
/// those of wgnet_session_apply_plan().
WGNET_API wgnet_status_t wgnet_session_recover(wgnet_session_t* session, size_t* steps,
                                               wgnet_error_t** error) WGNET_NOEXCEPT;

/// Plans the removal of what is left over without an owner: it bears wgnet's marks, and is on no
/// record in the state directory, such as after that was lost. What is on record in another state
/// directory is left over, too. Errors: those of wgnet_session_plan().
WGNET_API wgnet_status_t wgnet_session_plan_cleanup(wgnet_session_t* session, wgnet_plan_t** plan,
                                                    wgnet_error_t** error) WGNET_NOEXCEPT;

/// What the namespace has, every WireGuard interface and every owner, as a document of schema
/// "wgnet/1". Needs CAP_NET_ADMIN, as wgnet_session_plan() does.
WGNET_API wgnet_status_t wgnet_session_snapshot_json(wgnet_session_t* session, uint32_t secrets,
                                                     char** text,
                                                     wgnet_error_t** error) WGNET_NOEXCEPT;

// ---- changes that have to be confirmed ----
// They are taken back unless somebody says in time that they are right: the network may be what he
// would say it through. Until that is decided no other change is made in the namespace
// (WGNET_BUSY).
//
// `token` is what was handed out when the change was made. It may be NULL in the process that made
// it. A wrong one gives WGNET_INVALID_ARGUMENT. If no change waits, or its time was over, the
// status is WGNET_NOT_FOUND.

/// How a change is to be confirmed. `struct_size` is as in wgnet_session_options_t.
typedef struct wgnet_confirm_options {
  size_t struct_size;
  /// 0: the change is taken back at once when the calling process ends. 1: it outlives that, and
  /// whoever has its token confirms it.
  uint32_t persist;
  /// Within how many milliseconds from when it is done, also while the machine sleeps: 100 to
  /// 604800000 (7 days). 0: 600000.
  int64_t within_ms;
  /// Peers and interfaces that go do so only once the change is confirmed, for their sessions would
  /// not come back; but for peers with one of these `revoke_count` public keys (44 characters of
  /// base64), which go at once.
  const char* const* revoke;
  size_t revoke_count;
} wgnet_confirm_options_t;

#define WGNET_CONFIRM_OPTIONS_INIT \
  { sizeof(wgnet_confirm_options_t), 0, 0, NULL, 0 }

/// wgnet_session_apply() of a change that has to be confirmed; `options` or NULL. *token (or NULL)
/// becomes the text to confirm it with, if it persists; it becomes NULL if it does not, or if there
/// was nothing to do. *steps (or NULL) may be 0 although a change waits, if all of it does;
/// wgnet_session_pending_json() tells. Further errors: WGNET_INVALID_ARGUMENT for an option,
/// WGNET_NOT_SUPPORTED if the guardian cannot be run.
WGNET_API wgnet_status_t wgnet_session_apply_to_confirm(wgnet_session_t* session,
                                                        const wgnet_node_t* node,
                                                        const wgnet_confirm_options_t* options,
                                                        char** token, size_t* steps,
                                                        wgnet_error_t** error) WGNET_NOEXCEPT;

/// The same, as wgnet_session_apply_plan().
WGNET_API wgnet_status_t wgnet_session_apply_plan_to_confirm(wgnet_session_t* session,
                                                             const wgnet_plan_t* plan,
                                                             const wgnet_confirm_options_t* options,
                                                             char** token, size_t* steps,
                                                             wgnet_error_t** error) WGNET_NOEXCEPT;

/// The change that waits to be confirmed in the namespace, anybody's, as a document of schema
/// "wgnet/1" without its token. *text is NULL if none waits.
WGNET_API wgnet_status_t wgnet_session_pending_json(wgnet_session_t* session, char** text,
                                                    wgnet_error_t** error) WGNET_NOEXCEPT;

/// Confirms the change that waits, whoever made it; `token` or NULL. Does what waited for that, and
/// says in *steps (or NULL) how many steps it took.
WGNET_API wgnet_status_t wgnet_session_confirm(wgnet_session_t* session, const char* token,
                                               size_t* steps, wgnet_error_t** error) WGNET_NOEXCEPT;

/// Takes it back at once; `token` or NULL. *steps (or NULL) says how many steps were taken back. If
/// some could not be, the status is WGNET_ROLLBACK_INCOMPLETE, and the error has them as leftovers.
/// No change waits any more, unless the kernel could not be read: wgnet_session_pending_json().
WGNET_API wgnet_status_t wgnet_session_rollback(wgnet_session_t* session, const char* token,
                                                size_t* steps,
                                                wgnet_error_t** error) WGNET_NOEXCEPT;

/// Gives it so many milliseconds from now on, as `within_ms` of wgnet_confirm_options_t; `token` or
/// NULL.
WGNET_API wgnet_status_t wgnet_session_extend(wgnet_session_t* session, int64_t within_ms,
                                              const char* token,
                                              wgnet_error_t** error) WGNET_NOEXCEPT;

/// Asks `probe` every `interval_ms` milliseconds (0: 250; below is WGNET_INVALID_ARGUMENT) until it
/// returns a number above 0, and then does what wgnet_session_confirm() does; `data`, `token` and
/// *steps or NULL. 0 is: not yet. Below 0: the call fails with WGNET_VERIFY, and the change waits
/// on. The probe may use the session, but not close it. Blocks until the time is over at the
/// longest.
WGNET_API wgnet_status_t wgnet_session_confirm_when(wgnet_session_t* session,
                                                    int32_t (*probe)(void* data), void* data,
                                                    const char* token, int64_t interval_ms,
                                                    size_t* steps,
                                                    wgnet_error_t** error) WGNET_NOEXCEPT;

/// The same: when a peer of the owner's has had a handshake since the change began. `peer` is its
/// public key, or NULL for any; `token` and *steps or NULL.
WGNET_API wgnet_status_t wgnet_session_confirm_on_handshake(wgnet_session_t* session,
                                                            const char* peer, const char* token,
                                                            size_t* steps,
                                                            wgnet_error_t** error) WGNET_NOEXCEPT;

/// Guards the change that waits, or is being made, until it is decided: takes it back when its time
/// is over, or the process has ended that it ends with. Blocks until then, so it is for a process,
/// or a thread with a session, of its own. `on_ready` (or NULL) is called with `data` (or NULL)
/// once the change is guarded; it may not use the session. *steps (or NULL) says how many steps
/// were taken back, 0 if somebody else decided. Errors: as of wgnet_session_rollback().
WGNET_API wgnet_status_t wgnet_session_guard(wgnet_session_t* session, void (*on_ready)(void* data),
                                             void* data, size_t* steps,
                                             wgnet_error_t** error) WGNET_NOEXCEPT;

// ---- watching ----

/// Tells of changes, by anybody else, to what an owner has on record, and can bring it back. It is
/// for the caller's event loop: no thread, no signal, and no call that waits, but for repairs.
typedef struct wgnet_watcher wgnet_watcher_t;

/// How to watch. `struct_size` is as in wgnet_session_options_t. What is out of its range is
/// WGNET_INVALID_ARGUMENT.
typedef struct wgnet_watch_options {
  size_t struct_size;
  /// The node that is to be kept: applied when watching begins, and again when the kernel is not as
  /// on record. It is copied. NULL: nothing is repaired.
  const wgnet_node_t* keep;
  /// How many milliseconds after the first sign of a change it is looked at, up to 60000. Below 0:
  /// none. 0: 50.
  int64_t debounce_ms;
  /// How often WireGuard and settings are read, which tell nothing by themselves: 100 to 3600000
  /// milliseconds. 0: 5000.
  int64_t poll_interval_ms;
  /// How many milliseconds after its last handshake a peer is down, rounded up to seconds; up to a
  /// year. 0: 180000.
  int64_t peer_timeout_ms;
  /// So many repairs may follow each other at once, 1 to 1000; then there is one more after each
  /// `repair_interval_ms` milliseconds, 1 to 86400000. One that failed is tried again after that.
  /// 0: 5, and 10000.
  uint32_t repair_burst;
  /// How many bytes of messages the kernel holds until they are read, up to 1 GiB. What does not
  /// fit is lost, and then all is read again. 0: 1048576.
  uint32_t receive_buffer;
  int64_t repair_interval_ms;
} wgnet_watch_options_t;

#define WGNET_WATCH_OPTIONS_INIT \
  { sizeof(wgnet_watch_options_t), NULL, 0, 0, 0, 0, 0, 0 }

/// Begins to watch what the session's owner has; `options` or NULL. What transactions of the owner
/// do, in any process, is no change to tell. Errors: those of wgnet_session_apply() for the node.
WGNET_API wgnet_status_t wgnet_session_watch(wgnet_session_t* session,
                                             const wgnet_watch_options_t* options,
                                             wgnet_watcher_t** watcher,
                                             wgnet_error_t** error) WGNET_NOEXCEPT;

/// For poll(2), select(2) or epoll(7): readable when wgnet_watcher_read_json() has something to do.
/// It is the watcher's, and is read and closed by nobody else. -1 for NULL.
WGNET_API int32_t wgnet_watcher_fd(const wgnet_watcher_t* watcher) WGNET_NOEXCEPT;

/// What has happened since the last call: for each event a document of schema "wgnet/1", on one
/// line that ends in '\n'. *text is NULL if there was none, which is often. Never waits, but a
/// repair takes as long as wgnet_session_apply() does. The first call tells what is not as on
/// record already. After a failure it may be called again; no event is lost.
///
/// `event.kind` is "missing", "changed" or "back" of an object; "peer-up", "peer-down" or
/// "peer-moved"; "lost": messages of the kernel did not fit, and all is read again; "repaired" or
/// "repair-failed"; "superseded": another node of this owner has been applied, by another program
/// or by the watcher's own session, or all of it was removed, and there are no more repairs unless
/// it goes back.
WGNET_API wgnet_status_t wgnet_watcher_read_json(wgnet_watcher_t* watcher, char** text,
                                                 wgnet_error_t** error) WGNET_NOEXCEPT;

/// Takes NULL.
WGNET_API void wgnet_watcher_close(wgnet_watcher_t* watcher) WGNET_NOEXCEPT;

#ifdef __cplusplus
}
#endif

#endif  // WGNET_C_H_
