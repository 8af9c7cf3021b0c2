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
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
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
  CHECK_FAILS(WGNET_STALE, "", wgnet_session_apply_plan, session, plan, &steps);
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
  CHECK_FAILS(WGNET_BUSY, "", wgnet_session_apply, session, node, NULL);
  wgnet_node_free(node);
  wgnet_session_close(session);
  close(lock);
  globfree(&found);
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
  TestWireGuard();
}
