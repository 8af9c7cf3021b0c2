// SPDX-License-Identifier: MIT OR Apache-2.0
// The C ABI from inside: changes that have to be confirmed.
#include <stdint.h>
#include <stdio.h>

#include "check.h"
#include "fake_session.h"
#include "seam_test.h"

static wgnet_session_t* session = NULL;
static const wgnet_node_t* node = NULL;
static const wgnet_plan_t* plan = NULL;

static void TestApplyToConfirm(void) {
  char* token = NULL;
  size_t steps = 0;
  CHECK_OK(wgnet_session_apply_to_confirm, session, node, NULL, &token, &steps);
  CHECK(token == NULL);
  CHECK_SIZE(steps, kFakeStepsOfNode);
  CHECK(FakeConfirmationSeen().within_ms == 600000);
  CHECK(FakeConfirmationSeen().persist == 0);
  CHECK_TEXT(FakeConfirmationSeen().revoke, "");
  CHECK_OK(wgnet_session_apply_plan_to_confirm, session, plan, NULL, &token, &steps);
  CHECK(token == NULL);
  CHECK_SIZE(steps, kFakeStepsOfPlan);
}

static void TestConfirmOptions(void) {
  static const char* const kKeys[] = {PUBLIC_KEY, OTHER_KEY};
  wgnet_confirm_options_t options = WGNET_CONFIRM_OPTIONS_INIT;
  char* token = NULL;
  size_t steps = 0;
  options.within_ms = 1234;
  options.persist = 1;
  options.revoke = kKeys;
  options.revoke_count = 2;
  CHECK_OK(wgnet_session_apply_to_confirm, session, node, &options, &token, &steps);
  CHECK_TEXT(token, FAKE_TOKEN);
  CHECK_SIZE(steps, kFakeStepsOfNode);
  CHECK(FakeConfirmationSeen().within_ms == 1234);
  CHECK(FakeConfirmationSeen().persist == 1);
  CHECK_TEXT(FakeConfirmationSeen().revoke, PUBLIC_KEY " " OTHER_KEY " ");
  wgnet_free(token);
  CHECK_OK(wgnet_session_apply_to_confirm, session, node, &options, NULL, NULL);

  options.within_ms = -1;
  options.revoke_count = 1;
  CHECK_OK(wgnet_session_apply_plan_to_confirm, session, plan, &options, &token, &steps);
  CHECK_TEXT(token, FAKE_TOKEN);
  CHECK_SIZE(steps, kFakeStepsOfPlan);
  CHECK(FakeConfirmationSeen().within_ms == -1);
  CHECK_TEXT(FakeConfirmationSeen().revoke, PUBLIC_KEY " ");
  wgnet_free(token);
  CHECK_OK(wgnet_session_apply_plan_to_confirm, session, plan, &options, NULL, NULL);

  FakeNothingToDo(1);
  CHECK_OK(wgnet_session_apply_to_confirm, session, node, &options, &token, &steps);
  FakeNothingToDo(0);
  CHECK(token == NULL);
  CHECK_SIZE(steps, 0);
}

static void CheckRefusesConfirmOptions(const wgnet_confirm_options_t* options, const char* place) {
  char where[80];
  char nothing = 0;
  char* token = &nothing;
  size_t steps = 7;
  snprintf(where, sizeof where, "wgnet_session_apply_to_confirm: %s", place);
  CHECK_FAILS(WGNET_INVALID_ARGUMENT, where, wgnet_session_apply_to_confirm, session, node, options,
              &token, &steps);
  CHECK(token == NULL);
  CHECK_SIZE(steps, 0);
  snprintf(where, sizeof where, "wgnet_session_apply_plan_to_confirm: %s", place);
  token = &nothing;
  steps = 7;
  CHECK_FAILS(WGNET_INVALID_ARGUMENT, where, wgnet_session_apply_plan_to_confirm, session, plan,
              options, &token, &steps);
  CHECK(token == NULL);
  CHECK_SIZE(steps, 0);
}

static void TestImpossibleConfirmOptions(void) {
  const char* keys[] = {PUBLIC_KEY, PRIVATE_KEY "x"};
  const wgnet_confirm_options_t good = WGNET_CONFIRM_OPTIONS_INIT;
  wgnet_confirm_options_t options = good;
  options.struct_size = sizeof options - 1;
  CheckRefusesConfirmOptions(&options, "options");
  options = good;
  options.persist = 2;
  CheckRefusesConfirmOptions(&options, "options.persist");
  options = good;
  options.revoke_count = 1;
  CheckRefusesConfirmOptions(&options, "options.revoke");
  options.revoke = keys;
  options.revoke_count = 2;
  CheckRefusesConfirmOptions(&options, "options.revoke[1]");

  wgnet_error_t* error = NULL;
  CHECK(wgnet_session_apply_to_confirm(session, node, &options, NULL, NULL, &error) != WGNET_OK);
  CHECK_TEXT(wgnet_error_message(error), "not a public key");
  CHECK_HOLDS(wgnet_error_hint(error), "base64");
  CHECK_LACKS(wgnet_error_to_string(error), PRIVATE_KEY);
  wgnet_error_free(error);
  keys[1] = NULL;
  CheckRefusesConfirmOptions(&options, "options.revoke[1]");
}

static void TestPending(void) {
  char* text = NULL;
  CHECK_OK(wgnet_session_pending_json, session, &text);
  CHECK_HOLDS(text, "\"owner\": \"fake\"");
  CHECK_HOLDS(text, "\"left_ms\": 5000");
  wgnet_free(text);
  FakeNothingWaits(1);
  CHECK_OK(wgnet_session_pending_json, session, &text);
  FakeNothingWaits(0);
  CHECK(text == NULL);
}

static void TestConfirm(void) {
  size_t steps = 0;
  CHECK_OK(wgnet_session_confirm, session, FAKE_TOKEN, &steps);
  CHECK_SIZE(steps, kFakeStepsToConfirm);
  CHECK_TEXT(FakeConfirmationSeen().token, FAKE_TOKEN);
  CHECK_OK(wgnet_session_confirm, session, NULL, NULL);
  CHECK_TEXT(FakeConfirmationSeen().token, "");
}

// A rollback, or a guardian's, that left something.
static void CheckIncomplete(wgnet_status_t status, size_t steps, wgnet_error_t* error) {
  CHECK(status == WGNET_ROLLBACK_INCOMPLETE);
  CHECK_SIZE(steps, 0);
  CHECK_SIZE(wgnet_error_leftover_count(error), 1);
  CHECK_TEXT(wgnet_error_leftover_command(error, 0), "ip link del wg0");
  CHECK_TEXT(wgnet_error_leftover_reason(error, 0), "Device busy");
  CHECK_HOLDS(wgnet_error_to_string(error), "left: ip link del wg0: Device busy");
  wgnet_error_free(error);
}

static void TestRollback(void) {
  wgnet_error_t* error = NULL;
  size_t steps = 0;
  FakeRollback(kFakeComplete);
  CHECK_OK(wgnet_session_rollback, session, FAKE_TOKEN, &steps);
  CHECK_SIZE(steps, kFakeStepsTakenBack);
  CHECK_TEXT(FakeConfirmationSeen().token, FAKE_TOKEN);
  CHECK_OK(wgnet_session_rollback, session, NULL, NULL);
  CHECK_TEXT(FakeConfirmationSeen().token, "");
  FakeRollback(kFakeIncomplete);
  const wgnet_status_t status = wgnet_session_rollback(session, NULL, &steps, &error);
  CheckIncomplete(status, steps, error);
}

static void TestExtend(void) {
  CHECK_OK(wgnet_session_extend, session, 1234, FAKE_TOKEN);
  CHECK(FakeConfirmationSeen().within_ms == 1234);
  CHECK_TEXT(FakeConfirmationSeen().token, FAKE_TOKEN);
  CHECK_OK(wgnet_session_extend, session, 0, NULL);
  CHECK(FakeConfirmationSeen().within_ms == 600000);
  CHECK_TEXT(FakeConfirmationSeen().token, "");
}

// What a probe is called with, and what it says when it is called the last time.
struct Probing {
  int calls;
  int last;
  int32_t answer;
};

static int32_t Probe(void* data) {
  struct Probing* probing = data;
  return ++probing->calls < probing->last ? 0 : probing->answer;
}

static void TestConfirmWhen(void) {
  struct Probing right = {0, 3, 1};
  struct Probing wrong = {0, 2, -1};
  size_t steps = 0;
  CHECK_OK(wgnet_session_confirm_when, session, Probe, &right, FAKE_TOKEN, 1234, &steps);
  CHECK(right.calls == 3);
  CHECK_SIZE(steps, kFakeStepsToConfirm);
  CHECK(FakeConfirmationSeen().interval_ms == 1234);
  CHECK_TEXT(FakeConfirmationSeen().token, FAKE_TOKEN);
  right.answer = INT32_MAX;
  CHECK_OK(wgnet_session_confirm_when, session, Probe, &right, NULL, 0, NULL);
  CHECK(FakeConfirmationSeen().interval_ms == 250);
  CHECK_TEXT(FakeConfirmationSeen().token, "");

  CHECK_FAILS(WGNET_VERIFY, "wgnet_session_confirm_when: probe", wgnet_session_confirm_when,
              session, Probe, &wrong, NULL, 0, &steps);
  CHECK(wrong.calls == 3);
  CHECK_SIZE(steps, 0);
  CHECK_REFUSES("interval_ms", wgnet_session_confirm_when, session, Probe, &right, NULL, -1, NULL);
  CHECK(right.calls == 4);
}

static void TestConfirmOnHandshake(void) {
  size_t steps = 0;
  CHECK_OK(wgnet_session_confirm_on_handshake, session, PUBLIC_KEY, FAKE_TOKEN, &steps);
  CHECK_SIZE(steps, kFakeStepsToConfirm);
  CHECK_TEXT(FakeConfirmationSeen().peer, PUBLIC_KEY);
  CHECK_TEXT(FakeConfirmationSeen().token, FAKE_TOKEN);
  CHECK_OK(wgnet_session_confirm_on_handshake, session, NULL, NULL, NULL);
  CHECK_TEXT(FakeConfirmationSeen().peer, "");
  CHECK_TEXT(FakeConfirmationSeen().token, "");
  CHECK_REFUSES("peer", wgnet_session_confirm_on_handshake, session, "key", NULL, &steps);
  CHECK_SIZE(steps, 0);
}

static void CountReady(void* data) { ++*(int*)data; }

static void TestGuard(void) {
  wgnet_error_t* error = NULL;
  size_t steps = 7;
  int ready = 0;
  FakeRollback(kFakeElsewhere);
  CHECK_OK(wgnet_session_guard, session, CountReady, &ready, &steps);
  CHECK(ready == 1);
  CHECK_SIZE(steps, 0);
  FakeRollback(kFakeComplete);
  CHECK_OK(wgnet_session_guard, session, NULL, NULL, &steps);
  CHECK_SIZE(steps, kFakeStepsTakenBack);
  CHECK_OK(wgnet_session_guard, session, NULL, NULL, NULL);
  FakeRollback(kFakeIncomplete);
  const wgnet_status_t status = wgnet_session_guard(session, NULL, NULL, &steps, &error);
  CheckIncomplete(status, steps, error);
}

static void TestFailures(void) {
  const wgnet_status_t status = WGNET_ROLLBACK_INCOMPLETE;
  struct Probing right = {0, 1, 1};
  char nothing = 0;
  char* text = &nothing;
  size_t steps = 7;
  FakeFailure(1);
  CHECK_FAILS(status, "the place", wgnet_session_apply_to_confirm, session, node, NULL, &text,
              &steps);
  CHECK(text == NULL);
  CHECK_SIZE(steps, 0);
  text = &nothing;
  steps = 7;
  CHECK_FAILS(status, "the place", wgnet_session_apply_plan_to_confirm, session, plan, NULL, &text,
              &steps);
  CHECK(text == NULL);
  CHECK_SIZE(steps, 0);
  text = &nothing;
  CHECK_FAILS(status, "the place", wgnet_session_pending_json, session, &text);
  CHECK(text == NULL);
  steps = 7;
  CHECK_FAILS(status, "the place", wgnet_session_confirm, session, NULL, &steps);
  CHECK_SIZE(steps, 0);
  steps = 7;
  CHECK_FAILS(status, "the place", wgnet_session_rollback, session, NULL, &steps);
  CHECK_SIZE(steps, 0);
  CHECK_FAILS(status, "the place", wgnet_session_extend, session, 0, NULL);
  steps = 7;
  CHECK_FAILS(status, "the place", wgnet_session_confirm_when, session, Probe, &right, NULL, 0,
              &steps);
  CHECK_SIZE(steps, 0);
  steps = 7;
  CHECK_FAILS(status, "the place", wgnet_session_confirm_on_handshake, session, NULL, NULL, &steps);
  CHECK_SIZE(steps, 0);
  steps = 7;
  CHECK_FAILS(status, "the place", wgnet_session_guard, session, NULL, NULL, &steps);
  CHECK_SIZE(steps, 0);
  FakeFailure(0);
}

void TestConfirming(wgnet_session_t* of, const wgnet_node_t* some_node,
                    const wgnet_plan_t* some_plan) {
  session = of;
  node = some_node;
  plan = some_plan;
  TestApplyToConfirm();
  TestConfirmOptions();
  TestImpossibleConfirmOptions();
  TestPending();
  TestConfirm();
  TestRollback();
  TestExtend();
  TestConfirmWhen();
  TestConfirmOnHandshake();
  TestGuard();
  TestFailures();
}
