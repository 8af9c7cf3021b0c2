// SPDX-License-Identifier: MIT OR Apache-2.0
// Running out of memory anywhere in a call is WGNET_NO_MEMORY, and nothing leaks. Each allocation
// of each call fails in turn.
#define _POSIX_C_SOURCE 200809L  // fork, waitpid
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "fake_session.h"

#define PRIVATE_KEY "kGZzt/CU2MVgq19ffXB2YMDSr6WIhlkdlL1MOeGH700="
#define PUBLIC_KEY "HR8Kp3xWIt2rNdS3aaCk+Ss7yQqC9cn6h3WS6UK3WE0="

static const char kConf[] =
    "[Interface]\nPrivateKey = " PRIVATE_KEY
    "\nListenPort = 51820\nAddress = 10.13.13.1/24\n"
    "[Peer]\nPublicKey = " PUBLIC_KEY "\nAllowedIPs = 10.13.13.2/32, 10.13.14.0/24\n";

static const char kJson[] =
    "{\"schema\": \"wgnet/1\", \"interfaces\": [{\"name\": \"a-name-of-15-cs\", \"listen_port\": 1,"
    "\"private_key\": \"" PRIVATE_KEY "\", \"peers\": [{\"public_key\": \"" PUBLIC_KEY
    "\", \"endpoint\": \"a.long.name.of.a.host.example.com:51820\", \"allowed_ips\": "
    "[\"10.0.0.0/8\", \"fd00::/8\"]}]}], \"nat_rules\": [{\"out_interface\": \"eth*\"}]}";

static wgnet_session_t* session = NULL;
static wgnet_node_t* node = NULL;
static wgnet_plan_t* plan = NULL;

static void OpenAll(void) {
  CHECK_OK(wgnet_session_open, NULL, &session);
  CHECK_OK(wgnet_node_from_json, kJson, strlen(kJson), &node);
  CHECK_OK(wgnet_session_plan, session, node, &plan);
}

static void CloseAll(void) {
  wgnet_plan_free(plan);
  wgnet_node_free(node);
  wgnet_session_close(session);
}

static char* made_text = NULL;
static wgnet_node_t* made_node = NULL;
static wgnet_plan_t* made_plan = NULL;
static wgnet_session_t* made_session = NULL;
static wgnet_watcher_t* made_watcher = NULL;

static int NothingWasMade(void) {
  return made_text == NULL && made_node == NULL && made_plan == NULL && made_session == NULL &&
         made_watcher == NULL;
}

static void FreeMade(void) {
  wgnet_free(made_text);
  wgnet_node_free(made_node);
  wgnet_plan_free(made_plan);
  wgnet_session_close(made_session);
  wgnet_watcher_close(made_watcher);
  made_text = NULL;
  made_node = NULL;
  made_plan = NULL;
  made_session = NULL;
  made_watcher = NULL;
}

static wgnet_status_t FromJson(wgnet_error_t** error) {
  return wgnet_node_from_json(kJson, strlen(kJson), &made_node, error);
}
static wgnet_status_t FromConf(wgnet_error_t** error) {
  return wgnet_node_from_conf(kConf, strlen(kConf), "wg0", "wg0.conf", 0, &made_node, error);
}
static wgnet_status_t NewNode(wgnet_error_t** error) {
  made_node = wgnet_node_new();
  *error = NULL;
  return made_node != NULL ? WGNET_OK : WGNET_NO_MEMORY;
}
static wgnet_status_t NodeToJson(wgnet_error_t** error) {
  return wgnet_node_to_json(node, WGNET_REVEAL_SECRETS, &made_text, error);
}
static wgnet_status_t Explain(wgnet_error_t** error) {
  return wgnet_plan_explain(plan, &made_text, error);
}
static wgnet_status_t PlanToJson(wgnet_error_t** error) {
  return wgnet_plan_to_json(plan, WGNET_REVEAL_SECRETS, &made_text, error);
}
static wgnet_status_t Open(wgnet_error_t** error) {
  static const char* const kNames[] = {"wg0", "a-name-of-15-cs"};
  wgnet_session_options_t options = WGNET_SESSION_OPTIONS_INIT;
  options.adopt = kNames;
  options.adopt_count = 2;
  options.guardian = "/a/program/with/a/name/that/is/long";
  options.owner = "an-owner-with-a-name-that-is-long";
  options.state_dir = "/a/directory/with/a/name/that/is/long";
  return wgnet_session_open(&options, &made_session, error);
}
static wgnet_status_t Plan(wgnet_error_t** error) {
  return wgnet_session_plan(session, node, &made_plan, error);
}
static wgnet_status_t ApplyPlan(wgnet_error_t** error) {
  return wgnet_session_apply_plan(session, plan, NULL, error);
}
static wgnet_status_t Apply(wgnet_error_t** error) {
  return wgnet_session_apply(session, node, NULL, error);
}
static wgnet_status_t Recover(wgnet_error_t** error) {
  FakeRollback(kFakeIncomplete);
  return wgnet_session_recover(session, NULL, error);
}
static wgnet_status_t Snapshot(wgnet_error_t** error) {
  return wgnet_session_snapshot_json(session, WGNET_REVEAL_SECRETS, &made_text, error);
}
static wgnet_status_t Recovered(wgnet_error_t** error) {
  return wgnet_session_recovered_json(session, &made_text, error);
}
static wgnet_status_t PlanCleanup(wgnet_error_t** error) {
  return wgnet_session_plan_cleanup(session, &made_plan, error);
}
static wgnet_confirm_options_t Revoking(void) {
  static const char* const kKeys[] = {PUBLIC_KEY, PUBLIC_KEY};
  wgnet_confirm_options_t options = WGNET_CONFIRM_OPTIONS_INIT;
  options.persist = 1;
  options.revoke = kKeys;
  options.revoke_count = 2;
  return options;
}
static wgnet_status_t ApplyToConfirm(wgnet_error_t** error) {
  const wgnet_confirm_options_t options = Revoking();
  return wgnet_session_apply_to_confirm(session, node, &options, &made_text, NULL, error);
}
static wgnet_status_t ApplyPlanToConfirm(wgnet_error_t** error) {
  const wgnet_confirm_options_t options = Revoking();
  return wgnet_session_apply_plan_to_confirm(session, plan, &options, &made_text, NULL, error);
}
static wgnet_status_t RefuseKey(wgnet_error_t** error) {
  static const char* const kKeys[] = {PUBLIC_KEY, "key"};
  wgnet_confirm_options_t options = Revoking();
  options.revoke = kKeys;
  return wgnet_session_apply_to_confirm(session, node, &options, &made_text, NULL, error);
}
static wgnet_status_t Pending(wgnet_error_t** error) {
  return wgnet_session_pending_json(session, &made_text, error);
}
static wgnet_status_t Rollback(wgnet_error_t** error) {
  FakeRollback(kFakeIncomplete);
  return wgnet_session_rollback(session, NULL, NULL, error);
}
static wgnet_status_t Extend(wgnet_error_t** error) {
  return wgnet_session_extend(session, 0, "a-token-that-is-long-enough", error);
}
static wgnet_status_t Confirm(wgnet_error_t** error) {
  return wgnet_session_confirm(session, "a-token-that-is-long-enough", NULL, error);
}
static int32_t SayNo(void* data) {
  (void)data;
  return -1;
}
static wgnet_status_t ConfirmWhen(wgnet_error_t** error) {
  return wgnet_session_confirm_when(session, SayNo, NULL, NULL, 0, NULL, error);
}
static wgnet_status_t ConfirmOnHandshake(wgnet_error_t** error) {
  return wgnet_session_confirm_on_handshake(session, PUBLIC_KEY, NULL, NULL, error);
}
static wgnet_status_t Guard(wgnet_error_t** error) {
  FakeRollback(kFakeIncomplete);
  return wgnet_session_guard(session, NULL, NULL, NULL, error);
}
static wgnet_status_t Watch(wgnet_error_t** error) {
  wgnet_watch_options_t options = WGNET_WATCH_OPTIONS_INIT;
  options.keep = node;
  return wgnet_session_watch(session, &options, &made_watcher, error);
}
static wgnet_status_t ReadEvents(wgnet_error_t** error) {
  wgnet_watcher_t* watcher = NULL;
  wgnet_status_t status = wgnet_session_watch(session, NULL, &watcher, error);
  FakeEvents(2);
  if (status == WGNET_OK) status = wgnet_watcher_read_json(watcher, &made_text, error);
  wgnet_watcher_close(watcher);
  return status;
}
static wgnet_status_t RefuseNull(wgnet_error_t** error) {
  return wgnet_session_plan(NULL, NULL, &made_plan, error);
}
static wgnet_status_t FailWithEverything(wgnet_error_t** error) {
  FakeFailure(1);
  const wgnet_status_t status = wgnet_session_plan(session, node, &made_plan, error);
  FakeFailure(0);
  return status;
}

struct Exhaustible {
  const char* name;
  wgnet_status_t (*run)(wgnet_error_t** error);
  wgnet_status_t status;  // with memory enough
};

// Fails each allocation of the call in turn, alone or with all that follow. Returns how many.
static long Exhaust(const struct Exhaustible* call, int rest) {
  for (long first = 1;; ++first) {
    wgnet_error_t* error = NotAnError();
    FailAllocations(first, rest);
    const wgnet_status_t status = call->run(&error);
    const int failed = StopFailingAllocations();
    // The call's own failure may have left no memory for the text of it only.
    const int expected =
        failed ? status == WGNET_NO_MEMORY || status == call->status : status == call->status;
    Check(expected && error != NotAnError(), call->name, __FILE__, __LINE__);
    CHECK(status == WGNET_OK || NothingWasMade());
    if (failed) CHECK(status != WGNET_OK);
    if (error != NULL) CHECK(wgnet_error_code(error) == status);
    if (failed && rest) CHECK(error == NULL);
    wgnet_error_free(error);
    FreeMade();
    if (!failed) return first - 1;
  }
}

// In a process of its own, which a bug may end.
static void ExhaustApart(const struct Exhaustible* call) {
  fflush(NULL);
  const pid_t child = fork();
  if (child == 0) {
    ForgetChecks();
    const long count = Exhaust(call, 0);
    CHECK(count > 0);
    CHECK(Exhaust(call, 1) > 0);
    printf("%s: %ld allocations, ", call->name, count);
    CloseAll();
    exit(Report());
  }
  int status = -1;
  CHECK(waitpid(child, &status, 0) == child);
  Check(status == 0, call->name, __FILE__, __LINE__);
}

static const struct Exhaustible kCalls[] = {
    {"wgnet_node_new", NewNode, WGNET_OK},
    {"wgnet_node_from_json", FromJson, WGNET_OK},
    {"wgnet_node_from_conf", FromConf, WGNET_OK},
    {"wgnet_node_to_json", NodeToJson, WGNET_OK},
    {"wgnet_plan_explain", Explain, WGNET_OK},
    {"wgnet_plan_to_json", PlanToJson, WGNET_OK},
    {"wgnet_session_open", Open, WGNET_OK},
    {"wgnet_session_plan", Plan, WGNET_OK},
    {"wgnet_session_apply_plan", ApplyPlan, WGNET_OK},
    {"wgnet_session_apply", Apply, WGNET_OK},
    {"wgnet_session_recover", Recover, WGNET_ROLLBACK_INCOMPLETE},
    {"wgnet_session_snapshot_json", Snapshot, WGNET_OK},
    {"wgnet_session_recovered_json", Recovered, WGNET_OK},
    {"wgnet_session_plan_cleanup", PlanCleanup, WGNET_OK},
    {"wgnet_session_apply_to_confirm", ApplyToConfirm, WGNET_OK},
    {"wgnet_session_apply_plan_to_confirm", ApplyPlanToConfirm, WGNET_OK},
    {"wgnet_session_pending_json", Pending, WGNET_OK},
    {"wgnet_session_confirm", Confirm, WGNET_OK},
    {"wgnet_session_rollback", Rollback, WGNET_ROLLBACK_INCOMPLETE},
    {"wgnet_session_extend", Extend, WGNET_OK},
    {"wgnet_session_confirm_when", ConfirmWhen, WGNET_VERIFY},
    {"wgnet_session_confirm_on_handshake", ConfirmOnHandshake, WGNET_OK},
    {"wgnet_session_guard", Guard, WGNET_ROLLBACK_INCOMPLETE},
    {"wgnet_session_watch", Watch, WGNET_OK},
    {"wgnet_watcher_read_json", ReadEvents, WGNET_OK},
    {"a key that is none", RefuseKey, WGNET_INVALID_ARGUMENT},
    {"an argument that is NULL", RefuseNull, WGNET_INVALID_ARGUMENT},
    {"an error with everything", FailWithEverything, WGNET_ROLLBACK_INCOMPLETE},
};

int main(void) {
  OpenAll();
  for (size_t i = 0; i < sizeof kCalls / sizeof *kCalls; ++i) ExhaustApart(&kCalls[i]);
  CloseAll();
  return Report();
}
