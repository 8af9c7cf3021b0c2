// SPDX-License-Identifier: MIT OR Apache-2.0
// The C ABI on a kernel. Where there is no WireGuard, what needs it is one clear error; in a guest
// there is.
#define _GNU_SOURCE  // unshare
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "capi_test.h"
#include "check.h"

// Works on every kernel and with every build.
static const char kRoute[] =
    "{\"schema\": \"wgnet/1\", \"policy_routes\": [{\"interface\": \"lo\", \"to\": "
    "\"10.9.0.0/16\"}]}";

static wgnet_plan_t* PlanFor(wgnet_session_t* session, const wgnet_node_t* node) {
  wgnet_plan_t* plan = NULL;
  CHECK_OK(wgnet_session_plan, session, node, &plan);
  return plan;
}

// Checks that the snapshot holds, or lacks, a text.
static void CheckSnapshot(wgnet_session_t* session, const char* part, int expected) {
  char* text = NULL;
  CHECK_OK(wgnet_session_snapshot_json, session, WGNET_HIDE_SECRETS, &text);
  CheckHolds(text, part, "the snapshot", expected, __FILE__, __LINE__);
  CHECK_LACKS(text, PRIVATE_KEY);
  wgnet_free(text);
}

// Applies the node: first many steps, then none.
static void ApplyTwice(wgnet_session_t* session, const wgnet_node_t* node) {
  size_t steps = 0;
  CHECK_OK(wgnet_session_apply, session, node, &steps);
  CHECK(steps > 0);
  CHECK_OK(wgnet_session_apply, session, node, &steps);
  CHECK_SIZE(steps, 0);
  CHECK_OK(wgnet_session_apply, session, node, NULL);
}

static void RemoveAll(wgnet_session_t* session) {
  wgnet_node_t* nothing = wgnet_node_new();
  CHECK_OK(wgnet_session_apply, session, nothing, NULL);
  wgnet_node_free(nothing);
  CheckSnapshot(session, "capi", 0);
}

static void TestEmptyPlan(void) {
  wgnet_session_t* session = OpenSession("capi");
  wgnet_node_t* node = wgnet_node_new();
  wgnet_plan_t* plan = PlanFor(session, node);
  size_t steps = 7;
  char* text = NULL;
  CHECK_SIZE(wgnet_plan_size(plan), 0);
  CHECK_SIZE(wgnet_plan_warning_count(plan), 0);
  CHECK_TEXT(wgnet_plan_warning(plan, 0), "");
  CHECK_OK(wgnet_plan_explain, plan, &text);
  CHECK_TEXT(text, "");
  wgnet_free(text);
  CHECK_OK(wgnet_plan_to_json, plan, WGNET_HIDE_SECRETS, &text);
  CHECK_HOLDS(text, "\"owner\": \"capi\"");
  wgnet_free(text);
  CHECK_REFUSES("text", wgnet_plan_explain, plan, NULL);
  CHECK_REFUSES("text", wgnet_plan_to_json, plan, WGNET_HIDE_SECRETS, NULL);
  CHECK_REFUSES("secrets", wgnet_plan_to_json, plan, 2, &text);
  CHECK_REFUSES("session", wgnet_session_apply_plan, NULL, plan, &steps);
  CHECK_OK(wgnet_session_apply_plan, session, plan, &steps);
  CHECK_SIZE(steps, 0);
  CHECK_REFUSES("secrets", wgnet_session_snapshot_json, session, 2, &text);
  CheckSnapshot(session, "\"devices\": []", 1);
  wgnet_plan_free(plan);
  wgnet_node_free(node);
  wgnet_session_close(session);
}

// A plan is used up by applying it; it lives longer than its session.
static void TestPlanAndApply(void) {
  wgnet_session_t* session = OpenSession("capi");
  wgnet_node_t* node = NodeFromJson(kRoute);
  wgnet_plan_t* plan = PlanFor(session, node);
  const size_t size = wgnet_plan_size(plan);
  size_t steps = 0;
  CHECK(size > 0);
  wgnet_node_free(node);
  CHECK_OK(wgnet_session_apply_plan, session, plan, &steps);
  CHECK_SIZE(steps, size);
  CheckSnapshot(session, "\"owner\": \"capi\"", 1);
  CHECK_FAILS(WGNET_STALE, "Plan", wgnet_session_apply_plan, session, plan, &steps);
  CHECK_SIZE(steps, 0);
  RemoveAll(session);
  wgnet_session_close(session);

  char* text = NULL;
  CHECK_OK(wgnet_plan_explain, plan, &text);
  CHECK_HOLDS(text, "ip rule add");
  wgnet_free(text);
  wgnet_plan_free(plan);
}

static void TestApply(void) {
  wgnet_session_t* session = OpenSession("capi");
  wgnet_node_t* node = NodeFromJson(kRoute);
  ApplyTwice(session, node);
  RemoveAll(session);
  wgnet_node_free(node);
  wgnet_session_close(session);
}

// Somebody holds the lock of the only namespace that has one.
static void TestBusy(void) {
  char pattern[256];
  glob_t found;
  snprintf(pattern, sizeof pattern, "%s/*/lock", StateDir());
  CHECK(glob(pattern, 0, NULL, &found) == 0);
  CHECK_SIZE(found.gl_pathc, 1);
  const int lock = open(found.gl_pathv[0], O_RDWR);
  CHECK(flock(lock, LOCK_EX | LOCK_NB) == 0);

  wgnet_session_options_t options = WGNET_SESSION_OPTIONS_INIT;
  wgnet_session_t* session = NULL;
  options.state_dir = StateDir();
  options.lock_timeout_ms = -1;
  CHECK_OK(wgnet_session_open, &options, &session);
  wgnet_node_t* node = NodeFromJson(kRoute);
  CHECK_FAILS(WGNET_BUSY, "lock_timeout", wgnet_session_apply, session, node, NULL);
  wgnet_node_free(node);
  wgnet_session_close(session);
  close(lock);
  globfree(&found);
}

// ---- changes that have to be confirmed ----

// Nothing takes a change back but these tests.
static wgnet_session_t* OpenUnguarded(void) {
  wgnet_session_options_t options = WGNET_SESSION_OPTIONS_INIT;
  wgnet_session_t* session = NULL;
  options.owner = "capi";
  options.state_dir = StateDir();
  options.guardian = "";
  CHECK_OK(wgnet_session_open, &options, &session);
  return session;
}

// `data` is how often it is asked until it says yes.
static int32_t CountDown(void* data) { return --*(int*)data == 0; }

// Nothing was brought to an end, and no change waits.
static void TestNothingWaits(void) {
  wgnet_session_t* session = OpenSession("capi");
  char* text = NULL;
  size_t steps = 7;
  int asked = 0;
  CHECK_OK(wgnet_session_recovered_json, session, &text);
  CHECK_HOLDS(text, "\"cut_off\": []");
  wgnet_free(text);
  CHECK_OK(wgnet_session_pending_json, session, &text);
  CHECK(text == NULL);
  CHECK_FAILS(WGNET_NOT_FOUND, "", wgnet_session_confirm, session, NULL, &steps);
  CHECK_FAILS(WGNET_NOT_FOUND, "", wgnet_session_rollback, session, "token", &steps);
  CHECK_FAILS(WGNET_NOT_FOUND, "", wgnet_session_extend, session, 0, NULL);
  CHECK_FAILS(WGNET_INVALID_ARGUMENT, "ConfirmOptions.within", wgnet_session_extend, session, -1,
              NULL);
  CHECK_FAILS(WGNET_NOT_FOUND, "", wgnet_session_confirm_when, session, CountDown, &asked, NULL, 0,
              &steps);
  CHECK_FAILS(WGNET_NOT_FOUND, "", wgnet_session_confirm_on_handshake, session, NULL, NULL, &steps);
  CHECK_FAILS(WGNET_NOT_FOUND, "", wgnet_session_guard, session, NULL, NULL, &steps);
  wgnet_session_close(session);
}

static void CheckPending(wgnet_session_t* session, int expected) {
  char* text = NULL;
  CHECK_OK(wgnet_session_pending_json, session, &text);
  CHECK((text != NULL) == expected);
  if (expected) CHECK_HOLDS(text, "\"owner\": \"capi\"");
  wgnet_free(text);
}

static void TestRollback(void) {
  wgnet_session_t* session = OpenUnguarded();
  wgnet_node_t* node = NodeFromJson(kRoute);
  char* token = NULL;
  size_t steps = 0;
  size_t undone = 0;
  CHECK_OK(wgnet_session_apply_to_confirm, session, node, NULL, &token, &steps);
  CHECK(token == NULL);
  CHECK(steps > 0);
  CheckPending(session, 1);
  CheckSnapshot(session, "\"owner\": \"capi\"", 1);
  CHECK_FAILS(WGNET_BUSY, "", wgnet_session_apply, session, node, NULL);
  CHECK_OK(wgnet_session_rollback, session, NULL, &undone);
  CHECK_SIZE(undone, steps);
  CheckPending(session, 0);
  CheckSnapshot(session, "capi", 0);
  wgnet_node_free(node);
  wgnet_session_close(session);
}

// By its token, after another session has given it more time.
static void TestConfirm(void) {
  wgnet_confirm_options_t options = WGNET_CONFIRM_OPTIONS_INIT;
  wgnet_session_t* session = OpenUnguarded();
  wgnet_session_t* other = OpenUnguarded();
  wgnet_node_t* node = NodeFromJson(kRoute);
  wgnet_plan_t* plan = PlanFor(session, node);
  char* token = NULL;
  size_t steps = 0;
  int asked = 3;
  options.persist = 1;
  options.within_ms = 99;
  CHECK_FAILS(WGNET_INVALID_ARGUMENT, "ConfirmOptions.within", wgnet_session_apply_plan_to_confirm,
              session, plan, &options, &token, &steps);
  options.within_ms = 60000;
  CHECK_OK(wgnet_session_apply_plan_to_confirm, session, plan, &options, &token, &steps);
  CHECK(token != NULL && strlen(token) > 0);
  CHECK_SIZE(steps, wgnet_plan_size(plan));
  CHECK_OK(wgnet_session_extend, other, 120000, token);
  CHECK_FAILS(WGNET_INVALID_ARGUMENT, "token", wgnet_session_confirm, other, "wrong", NULL);
  CHECK_OK(wgnet_session_confirm_when, other, CountDown, &asked, token, 1, &steps);
  CHECK(asked == 0);
  CheckPending(session, 0);
  CheckSnapshot(session, "\"owner\": \"capi\"", 1);

  // What is there already needs no confirmation.
  wgnet_free(token);
  CHECK_OK(wgnet_session_apply_to_confirm, session, node, &options, &token, &steps);
  CHECK(token == NULL);
  CHECK_SIZE(steps, 0);
  CheckPending(session, 0);
  RemoveAll(session);
  wgnet_plan_free(plan);
  wgnet_node_free(node);
  wgnet_session_close(other);
  wgnet_session_close(session);
}

static void CountReady(void* data) { ++*(int*)data; }

// It guards until the time is over.
static void TestGuard(void) {
  wgnet_confirm_options_t options = WGNET_CONFIRM_OPTIONS_INIT;
  wgnet_session_t* session = OpenUnguarded();
  wgnet_node_t* node = NodeFromJson(kRoute);
  size_t steps = 0;
  size_t undone = 0;
  int ready = 0;
  options.within_ms = 300;
  CHECK_OK(wgnet_session_apply_to_confirm, session, node, &options, NULL, &steps);
  CHECK_OK(wgnet_session_guard, session, CountReady, &ready, &undone);
  CHECK(ready == 1);
  CHECK_SIZE(undone, steps);
  CheckSnapshot(session, "capi", 0);
  wgnet_node_free(node);
  wgnet_session_close(session);
}

// What opening a session took back, as no guardian did.
static void TestRecovered(void) {
  wgnet_confirm_options_t options = WGNET_CONFIRM_OPTIONS_INIT;
  wgnet_session_t* session = OpenUnguarded();
  wgnet_node_t* node = NodeFromJson(kRoute);
  char* text = NULL;
  options.within_ms = 100;
  CHECK_OK(wgnet_session_apply_to_confirm, session, node, &options, NULL, NULL);
  wgnet_session_close(session);
  nanosleep(&(struct timespec){.tv_nsec = 150000000}, NULL);
  session = OpenUnguarded();
  CHECK_OK(wgnet_session_recovered_json, session, &text);
  CHECK_HOLDS(text, "\"owner\": \"capi\"");
  CHECK_HOLDS(text, "\"unconfirmed\": true");
  wgnet_free(text);
  CheckSnapshot(session, "capi", 0);
  wgnet_node_free(node);
  wgnet_session_close(session);
}

static void TestPlanCleanup(void) {
  wgnet_session_t* session = OpenSession("capi");
  wgnet_plan_t* plan = NULL;
  size_t steps = 7;
  CHECK_OK(wgnet_session_plan_cleanup, session, &plan);
  CHECK_SIZE(wgnet_plan_size(plan), 0);
  CHECK_OK(wgnet_session_apply_plan, session, plan, &steps);
  CHECK_SIZE(steps, 0);
  wgnet_plan_free(plan);
  wgnet_session_close(session);
}

// ---- watching ----

// Reads until an event holds the text, which is given back then.
static char* AwaitEvent(wgnet_watcher_t* watcher, const char* part) {
  struct pollfd ready = {.fd = wgnet_watcher_fd(watcher), .events = POLLIN};
  for (int turn = 0; turn < 50; ++turn) {
    char* text = NULL;
    CHECK_OK(wgnet_watcher_read_json, watcher, &text);
    if (text != NULL && strstr(text, part) != NULL) return text;
    wgnet_free(text);
    poll(&ready, 1, 200);
  }
  CHECK(!"an event");
  return NULL;
}

// Somebody takes a rule away, after the session has gone.
static void TestWatcherOutlivesSession(void) {
  wgnet_session_t* session = OpenSession("capi");
  wgnet_node_t* node = NodeFromJson(kRoute);
  wgnet_watcher_t* watcher = NULL;
  CHECK_OK(wgnet_session_apply, session, node, NULL);
  CHECK_OK(wgnet_session_watch, session, NULL, &watcher);
  wgnet_session_close(session);
  CHECK(system("ip rule del to 10.9.0.0/16") == 0);
  char* text = AwaitEvent(watcher, "\"missing\"");
  CHECK_HOLDS(text, "ip rule add");
  wgnet_free(text);
  wgnet_watcher_close(watcher);
  session = OpenSession("capi");
  RemoveAll(session);
  wgnet_node_free(node);
  wgnet_session_close(session);
}

// Somebody takes the interface's address away: that is told, and repaired.
static void TestWatcher(wgnet_session_t* session, const wgnet_node_t* node) {
  wgnet_watch_options_t options = WGNET_WATCH_OPTIONS_INIT;
  wgnet_watcher_t* watcher = NULL;
  char* text = NULL;
  options.keep = node;
  options.poll_interval_ms = 99;
  CHECK_FAILS(WGNET_INVALID_ARGUMENT, "WatchOptions.poll_interval", wgnet_session_watch, session,
              &options, &watcher);
  options.poll_interval_ms = 0;
  CHECK_OK(wgnet_session_watch, session, &options, &watcher);
  wgnet_free(AwaitEvent(watcher, "\"repaired\""));
  CHECK(system("ip address del 10.13.13.1/24 dev wg0") == 0);
  text = AwaitEvent(watcher, "\"missing\"");
  CHECK_HOLDS(text, "10.13.13.1/24");
  if (text != NULL && strstr(text, "\"repaired\"") == NULL) {
    wgnet_free(AwaitEvent(watcher, "\"repaired\""));
  }
  wgnet_free(text);
  wgnet_watcher_close(watcher);
  CheckSnapshot(session, "10.13.13.1/24", 1);
  RemoveAll(session);
}

static void TestWireGuardIsMissing(wgnet_error_t* error) {
  CHECK_HOLDS(wgnet_error_hint(error), "modprobe wireguard");
  CHECK_HOLDS(wgnet_error_to_string(error), wgnet_error_message(error));
  CHECK_SIZE(wgnet_error_leftover_count(error), 0);
  printf("this kernel has no WireGuard: %s\n", wgnet_error_to_string(error));
}

static void TestInterface(wgnet_session_t* session, const wgnet_node_t* node) {
  wgnet_plan_t* plan = PlanFor(session, node);
  char* text = NULL;
  CHECK_OK(wgnet_plan_explain, plan, &text);
  CHECK_HOLDS(text, "ip link add");
  CHECK_HOLDS(text, "$WGNET_SECRETS/wg0.key");
  CHECK_LACKS(text, PRIVATE_KEY);
  wgnet_free(text);
  CHECK_OK(wgnet_plan_to_json, plan, WGNET_REVEAL_SECRETS, &text);
  CHECK_HOLDS(text, PRIVATE_KEY);
  wgnet_free(text);
  wgnet_plan_free(plan);

  ApplyTwice(session, node);
  CheckSnapshot(session, PUBLIC_KEY, 1);
  CHECK_OK(wgnet_session_snapshot_json, session, WGNET_REVEAL_SECRETS, &text);
  CHECK_HOLDS(text, PRESHARED_KEY);
  wgnet_free(text);
  RemoveAll(session);
  CheckSnapshot(session, "wg0", 0);
}

// The port is taken: the step that fails is named, and nothing is left.
static void TestFailedStep(wgnet_session_t* session, const wgnet_node_t* node) {
  const struct sockaddr_in taken = {.sin_family = AF_INET, .sin_port = htons(51820)};
  const int holder = socket(AF_INET, SOCK_DGRAM, 0);
  CHECK(bind(holder, (const struct sockaddr*)&taken, sizeof taken) == 0);

  wgnet_error_t* error = NULL;
  size_t steps = 7;
  CHECK(wgnet_session_apply(session, node, &steps, &error) == WGNET_PORT_IN_USE);
  CHECK_SIZE(steps, 0);
  CHECK(wgnet_error_code(error) == WGNET_PORT_IN_USE);
  CHECK(wgnet_error_step(error) > 0);
  CHECK(wgnet_error_step(error) <= wgnet_error_steps(error));
  CHECK(wgnet_error_errno(error) == EADDRINUSE);
  CHECK(strlen(wgnet_error_command(error)) > 0);
  CHECK_HOLDS(wgnet_error_to_string(error), wgnet_error_command(error));
  CHECK_HOLDS(wgnet_error_to_string(error), "rolled back, nothing left");
  CHECK_SIZE(wgnet_error_leftover_count(error), 0);
  printf("%s\n", wgnet_error_to_string(error));
  wgnet_error_free(error);
  CheckSnapshot(session, "wg0", 0);
  close(holder);
}

static void TestWireGuard(void) {
  wgnet_session_t* session = OpenSession("capi");
  wgnet_node_t* node = NodeFromConf(kConf, 0);
  wgnet_error_t* error = NULL;
  const wgnet_status_t status = wgnet_session_apply(session, node, NULL, &error);
  if (status == WGNET_MODULE_MISSING && getenv("GUEST") == NULL) {
    TestWireGuardIsMissing(error);
  } else {
    CHECK(status == WGNET_OK);
    RemoveAll(session);
    TestInterface(session, node);
    TestFailedStep(session, node);
    TestWatcher(session, node);
  }
  wgnet_error_free(error);
  wgnet_node_free(node);
  wgnet_session_close(session);
}

static void BringUpLoopback(void) {
  struct ifreq request = {.ifr_name = "lo"};
  request.ifr_flags = IFF_UP;
  const int fd = socket(AF_INET, SOCK_DGRAM, 0);
  CHECK(ioctl(fd, SIOCSIFFLAGS, &request) == 0);
  close(fd);
}

void TestKernel(void) {
  if (unshare(CLONE_NEWNET) != 0) {
    perror("unshare");
    CHECK(!"a new network namespace");
    return;
  }
  BringUpLoopback();
  TestEmptyPlan();
  TestPlanAndApply();
  TestApply();
  TestBusy();
  TestNothingWaits();
  TestRollback();
  TestConfirm();
  TestGuard();
  TestRecovered();
  TestPlanCleanup();
  TestWatcherOutlivesSession();
  TestWireGuard();
}
