// SPDX-License-Identifier: MIT OR Apache-2.0
// The C ABI from inside: everything that it is told reaches the C++ API, and everything that the
// C++ API answers comes out.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "fake_session.h"
#include "seam_test.h"

static const char kJson[] = "{\"schema\": \"wgnet/1\", \"interfaces\": [{\"name\": \"wg0\"}]}";

// ---- options ----

static void CheckOptions(const wgnet_session_options_t* options, const char* owner,
                         const char* netns, const char* state_dir, int64_t lock_timeout_ms) {
  wgnet_session_t* session = NULL;
  CHECK_OK(wgnet_session_open, options, &session);
  const struct FakeOptions seen = FakeOptionsSeen();
  CHECK_TEXT(seen.owner, owner);
  CHECK_TEXT(seen.netns, netns);
  CHECK_TEXT(seen.state_dir, state_dir);
  CHECK(seen.lock_timeout_ms == lock_timeout_ms);
  wgnet_session_close(session);
}

static void TestUserspace(void) {
  static const struct {
    const char* given;
    const char* seen;
  } kCases[] = {{NULL, "wireguard-go"}, {"", ""}, {"boringtun-cli", "boringtun-cli"}};
  for (size_t i = 0; i < sizeof kCases / sizeof *kCases; ++i) {
    wgnet_session_options_t options = WGNET_SESSION_OPTIONS_INIT;
    wgnet_session_t* session = NULL;
    options.userspace_implementation = kCases[i].given;
    CHECK_OK(wgnet_session_open, &options, &session);
    CHECK_TEXT(FakeOptionsSeen().userspace_implementation, kCases[i].seen);
    wgnet_session_close(session);
  }
}

static void TestOptions(void) {
  wgnet_session_options_t options = WGNET_SESSION_OPTIONS_INIT;
  CheckOptions(NULL, "default", "", "/run/wgnet", 30000);
  CheckOptions(&options, "default", "", "/run/wgnet", 30000);
  options.owner = "gateway";
  options.netns = "blue";
  options.state_dir = "/tmp/state";
  options.lock_timeout_ms = 1234;
  CheckOptions(&options, "gateway", "blue", "/tmp/state", 1234);
  options.lock_timeout_ms = -1;
  CheckOptions(&options, "gateway", "blue", "/tmp/state", 0);
}

static void CheckNameOptions(int64_t timeout_ms, int32_t retries, uint32_t unresolved,
                             int64_t seen_timeout_ms, int64_t seen_retries, int later) {
  wgnet_session_options_t options = WGNET_SESSION_OPTIONS_INIT;
  wgnet_session_t* session = NULL;
  options.resolve_timeout_ms = timeout_ms;
  options.resolve_retries = retries;
  options.unresolved_endpoint = unresolved;
  CHECK_OK(wgnet_session_open, &options, &session);
  const struct FakeOptions seen = FakeOptionsSeen();
  CHECK(seen.resolve_timeout_ms == seen_timeout_ms);
  CHECK(seen.resolve_retries == seen_retries);
  CHECK(seen.later == later);
  wgnet_session_close(session);
}

static void TestNameOptions(void) {
  CheckNameOptions(0, 0, WGNET_UNRESOLVED_FAILS, 20000, 15, 0);
  CheckNameOptions(1234, 7, WGNET_UNRESOLVED_LATER, 1234, 7, 1);
  CheckNameOptions(-1, -1, WGNET_UNRESOLVED_LATER, -1, 0, 1);
  wgnet_session_options_t options = WGNET_SESSION_OPTIONS_INIT;
  wgnet_session_t* session = NULL;
  options.unresolved_endpoint = 2;
  CHECK_REFUSES("options.unresolved_endpoint", wgnet_session_open, &options, &session);
}

static void TestAdoption(void) {
  const char* names[] = {"wg0", "wg1"};
  wgnet_session_options_t options = WGNET_SESSION_OPTIONS_INIT;
  wgnet_session_t* session = NULL;
  CHECK_OK(wgnet_session_open, &options, &session);
  CHECK(FakeOptionsSeen().adopt_identical == 0);
  CHECK_TEXT(FakeOptionsSeen().adopt, "");
  wgnet_session_close(session);
  options.adopt_identical = 1;
  options.adopt = names;
  options.adopt_count = 2;
  CHECK_OK(wgnet_session_open, &options, &session);
  CHECK(FakeOptionsSeen().adopt_identical == 1);
  CHECK_TEXT(FakeOptionsSeen().adopt, "wg0 wg1 ");
  wgnet_session_close(session);

  names[1] = NULL;
  CHECK_REFUSES("options.adopt[1]", wgnet_session_open, &options, &session);
  options.adopt = NULL;
  CHECK_REFUSES("options.adopt", wgnet_session_open, &options, &session);
  CHECK(session == NULL);
  options.adopt_count = 0;
  options.adopt_identical = 2;
  CHECK_REFUSES("options.adopt_identical", wgnet_session_open, &options, &session);
}

static void TestRecoveryOptions(void) {
  static const struct {
    uint32_t recovery;
    const char* guardian;
    int forward;
    const char* seen;
  } kCases[] = {{WGNET_RECOVER_BACK, NULL, 0, "wgnet"},
                {WGNET_RECOVER_FORWARD, "", 1, ""},
                {WGNET_RECOVER_FORWARD, "/opt/wgnet", 1, "/opt/wgnet"}};
  wgnet_session_options_t options = WGNET_SESSION_OPTIONS_INIT;
  wgnet_session_t* session = NULL;
  for (size_t i = 0; i < sizeof kCases / sizeof *kCases; ++i) {
    options.recovery = kCases[i].recovery;
    options.guardian = kCases[i].guardian;
    CHECK_OK(wgnet_session_open, &options, &session);
    CHECK(FakeOptionsSeen().forward == kCases[i].forward);
    CHECK_TEXT(FakeOptionsSeen().guardian, kCases[i].seen);
    wgnet_session_close(session);
  }
  options.recovery = 2;
  CHECK_REFUSES("options.recovery", wgnet_session_open, &options, &session);
}

// A member that is added must not lie where an older caller has left something.
static void TestOptionsEndWithoutPadding(void) {
  const wgnet_session_options_t* options = NULL;
  const wgnet_confirm_options_t* confirm = NULL;
  const wgnet_watch_options_t* watch = NULL;
  CHECK_SIZE(sizeof *options,
             offsetof(wgnet_session_options_t, adopt_count) + sizeof options->adopt_count);
  CHECK_SIZE(sizeof *confirm,
             offsetof(wgnet_confirm_options_t, revoke_count) + sizeof confirm->revoke_count);
  CHECK_SIZE(sizeof *watch, offsetof(wgnet_watch_options_t, repair_interval_ms) +
                                sizeof watch->repair_interval_ms);
}

// A caller whose header had fewer members: what stands behind them is not read.
static void TestOlderOptions(void) {
  struct Older {
    size_t struct_size;
    const char* owner;
  };
  struct Older* older = malloc(sizeof *older);
  older->struct_size = sizeof *older;
  older->owner = "older";
  CheckOptions((const wgnet_session_options_t*)(void*)older, "older", "", "/run/wgnet", 30000);
  older->struct_size = offsetof(struct Older, owner);
  CheckOptions((const wgnet_session_options_t*)(void*)older, "default", "", "/run/wgnet", 30000);
  free(older);
}

// A caller whose header had more members: what is not known here must be zero.
static void TestNewerOptions(void) {
  struct {
    wgnet_session_options_t known;
    uint64_t unknown;
  } newer = {WGNET_SESSION_OPTIONS_INIT, 0};
  wgnet_session_t* session = NULL;
  newer.known.struct_size = sizeof newer;
  newer.known.owner = "newer";
  CheckOptions(&newer.known, "newer", "", "/run/wgnet", 30000);
  newer.unknown = UINT64_C(1) << 63;
  CHECK_REFUSES("options", wgnet_session_open, &newer.known, &session);
}

static void TestImpossibleOptions(void) {
  static const size_t kSizes[] = {
      0,       1,       sizeof(size_t) - 1, sizeof(size_t) + 1, sizeof(wgnet_session_options_t) - 1,
      1 << 20, SIZE_MAX};
  for (size_t i = 0; i < sizeof kSizes / sizeof *kSizes; ++i) {
    wgnet_session_options_t options = WGNET_SESSION_OPTIONS_INIT;
    wgnet_session_t* session = NULL;
    options.struct_size = kSizes[i];
    CHECK_REFUSES("options", wgnet_session_open, &options, &session);
    CHECK(session == NULL);
  }
}

// ---- answers ----

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

static void TestPlan(void) {
  char* text = NULL;
  CHECK(FakeInterfacesSeen() == 1);
  CHECK_SIZE(wgnet_plan_size(plan), 1);
  CHECK_SIZE(wgnet_plan_warning_count(plan), 2);
  CHECK_TEXT(wgnet_plan_warning(plan, 0), "first warning");
  CHECK_TEXT(wgnet_plan_warning(plan, 1), "second warning");
  CHECK_TEXT(wgnet_plan_warning(plan, 2), "");
  CHECK_OK(wgnet_plan_explain, plan, &text);
  CHECK_HOLDS(text, "wg set wg0 private-key");
  CHECK_LACKS(text, PRIVATE_KEY);
  wgnet_free(text);
  CHECK_OK(wgnet_plan_to_json, plan, WGNET_HIDE_SECRETS, &text);
  CHECK_HOLDS(text, "\"owner\": \"fake\"");
  CHECK_LACKS(text, PRIVATE_KEY);
  wgnet_free(text);
  CHECK_OK(wgnet_plan_to_json, plan, WGNET_REVEAL_SECRETS, &text);
  CHECK_HOLDS(text, PRIVATE_KEY);
  wgnet_free(text);
}

static void TestApply(void) {
  size_t steps = 0;
  CHECK_OK(wgnet_session_apply_plan, session, plan, &steps);
  CHECK_SIZE(steps, kFakeStepsOfPlan);
  CHECK_OK(wgnet_session_apply_plan, session, plan, NULL);
  CHECK_OK(wgnet_session_apply, session, node, &steps);
  CHECK_SIZE(steps, kFakeStepsOfNode);
  CHECK_OK(wgnet_session_apply, session, node, NULL);
}

static void TestRecover(void) {
  size_t steps = 0;
  CHECK_OK(wgnet_session_recover, session, &steps);
  CHECK_SIZE(steps, kFakeStepsOfPlan + kFakeStepsOfNode);
  CHECK_OK(wgnet_session_recover, session, NULL);
  FakeRollback(kFakeComplete);
  CHECK_OK(wgnet_session_recover, session, &steps);
  CHECK_SIZE(steps, kFakeStepsOfPlan + kFakeStepsOfNode + 2 * kFakeStepsTakenBack);
  FakeRollback(kFakeElsewhere);
}

static void TestIncompleteRecovery(void) {
  wgnet_error_t* error = NULL;
  size_t steps = 7;
  FakeRollback(kFakeIncomplete);
  CHECK(wgnet_session_recover(session, &steps, &error) == WGNET_ROLLBACK_INCOMPLETE);
  FakeRollback(kFakeElsewhere);
  CHECK_SIZE(steps, 0);
  CHECK_SIZE(wgnet_error_leftover_count(error), 2);
  CHECK_TEXT(wgnet_error_leftover_command(error, 1), "ip link del wg0");
  CHECK_TEXT(wgnet_error_leftover_reason(error, 1), "Device busy");
  wgnet_error_free(error);
}

static void TestRecovered(void) {
  char* text = NULL;
  CHECK_OK(wgnet_session_recovered_json, session, &text);
  CHECK_HOLDS(text, "\"schema\": \"wgnet/1\"");
  CHECK_HOLDS(text, "\"owner\": \"killed\"");
  CHECK_HOLDS(text, "a warning");
  wgnet_free(text);
}

static void TestPlanCleanup(void) {
  wgnet_plan_t* cleanup = NULL;
  CHECK_OK(wgnet_session_plan_cleanup, session, &cleanup);
  CHECK_SIZE(wgnet_plan_size(cleanup), 1);
  wgnet_plan_free(cleanup);
}

static void TestSnapshot(void) {
  char* text = NULL;
  CHECK_OK(wgnet_session_snapshot_json, session, WGNET_HIDE_SECRETS, &text);
  CHECK_HOLDS(text, "wg0");
  CHECK_LACKS(text, PRIVATE_KEY);
  wgnet_free(text);
  CHECK_OK(wgnet_session_snapshot_json, session, WGNET_REVEAL_SECRETS, &text);
  CHECK_HOLDS(text, PRIVATE_KEY);
  wgnet_free(text);
}

// ---- failures ----

static void TestFailures(void) {
  const wgnet_status_t status = WGNET_ROLLBACK_INCOMPLETE;
  char nothing = 0;
  wgnet_session_t* no_session = (wgnet_session_t*)(void*)&nothing;
  wgnet_plan_t* no_plan = (wgnet_plan_t*)(void*)&nothing;
  char* text = &nothing;
  size_t steps = 7;
  FakeFailure(1);
  CHECK_FAILS(status, "the place", wgnet_session_open, NULL, &no_session);
  CHECK(no_session == NULL);
  CHECK_FAILS(status, "the place", wgnet_session_plan, session, node, &no_plan);
  CHECK(no_plan == NULL);
  CHECK_FAILS(status, "the place", wgnet_session_apply_plan, session, plan, &steps);
  CHECK_SIZE(steps, 0);
  CHECK_FAILS(status, "the place", wgnet_session_apply, session, node, &steps);
  steps = 7;
  CHECK_FAILS(status, "the place", wgnet_session_recover, session, &steps);
  CHECK_SIZE(steps, 0);
  CHECK_FAILS(status, "the place", wgnet_session_snapshot_json, session, 0, &text);
  CHECK(text == NULL);
  no_plan = (wgnet_plan_t*)(void*)&nothing;
  CHECK_FAILS(status, "the place", wgnet_session_plan_cleanup, session, &no_plan);
  CHECK(no_plan == NULL);
  FakeFailure(0);
}

static void TestErrorHasEverything(void) {
  wgnet_error_t* error = NULL;
  FakeFailure(1);
  CHECK(wgnet_session_apply(session, node, NULL, &error) == WGNET_ROLLBACK_INCOMPLETE);
  FakeFailure(0);
  CHECK(wgnet_error_code(error) == WGNET_ROLLBACK_INCOMPLETE);
  CHECK_TEXT(wgnet_error_message(error), "the message");
  CHECK_TEXT(wgnet_error_where(error), "the place");
  CHECK_TEXT(wgnet_error_hint(error), "the hint");
  CHECK(wgnet_error_step(error) == 7);
  CHECK(wgnet_error_steps(error) == 12);
  CHECK_TEXT(wgnet_error_command(error), "ip route add 10.0.0.0/8 dev wg0");
  CHECK(wgnet_error_errno(error) == ENETUNREACH);
  CHECK_TEXT(wgnet_error_kernel_message(error), "the kernel's message");
  CHECK_TEXT(wgnet_error_kernel_attribute(error), "gateway");
  CHECK_SIZE(wgnet_error_leftover_count(error), 2);
  CHECK_TEXT(wgnet_error_leftover_command(error, 0), "ip link del wg0");
  CHECK_TEXT(wgnet_error_leftover_reason(error, 0), "Device busy");
  CHECK_TEXT(wgnet_error_leftover_command(error, 1), "ip rule del");
  CHECK_TEXT(wgnet_error_leftover_reason(error, 1), "somebody changed it");
  CHECK_TEXT(wgnet_error_leftover_command(error, 2), "");
  CHECK_TEXT(wgnet_error_leftover_reason(error, SIZE_MAX), "");
  CHECK_HOLDS(wgnet_error_to_string(error), "step 7/12: ip route add 10.0.0.0/8 dev wg0: ");
  CHECK_HOLDS(wgnet_error_to_string(error), "left: ip link del wg0: Device busy");
  CHECK_HOLDS(wgnet_error_to_string(error), "hint: the hint");
  wgnet_error_free(error);
}

int main(void) {
  TestOptions();
  TestNameOptions();
  TestUserspace();
  TestAdoption();
  TestRecoveryOptions();
  TestOptionsEndWithoutPadding();
  TestOlderOptions();
  TestNewerOptions();
  TestImpossibleOptions();
  OpenAll();
  TestPlan();
  TestApply();
  TestRecover();
  TestIncompleteRecovery();
  TestRecovered();
  TestPlanCleanup();
  TestSnapshot();
  TestFailures();
  TestErrorHasEverything();
  TestConfirming(session, node, plan);
  TestWatching(session, node);
  CloseAll();
  return Report();
}
