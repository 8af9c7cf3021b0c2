// SPDX-License-Identifier: MIT OR Apache-2.0
// The C ABI from outside, on the library as it is shipped. Needs no privileges.
//
//   capi_test          what needs nothing of the kernel
//   capi_test kernel   and what does, in a new network namespace: needs root, or unshare -r
#define _XOPEN_SOURCE 700  // mkdtemp, nftw
#include "capi_test.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

const char kConf[] =
    "[Interface]\n"
    "PrivateKey = " PRIVATE_KEY
    "\n"
    "ListenPort = 51820\n"
    "Address = 10.13.13.1/24\n"
    "\n"
    "[Peer]\n"
    "PublicKey = " PUBLIC_KEY
    "\n"
    "PresharedKey = " PRESHARED_KEY
    "\n"
    "AllowedIPs = 10.13.13.2/32\n";

const char kJson[] =
    "{\"schema\": \"wgnet/1\", \"interfaces\": [{"
    "\"name\": \"wg0\", \"private_key\": \"" PRIVATE_KEY
    "\", \"listen_port\": 51820, \"addresses\": [\"10.13.13.1/24\"],"
    "\"peers\": [{\"public_key\": \"" PUBLIC_KEY "\", \"preshared_key\": \"" PRESHARED_KEY
    "\", \"allowed_ips\": [\"10.13.13.2/32\"]}]}]}";

static char state_dir[] = "/tmp/wgnet-capi-XXXXXX";

const char* StateDir(void) { return state_dir; }

wgnet_node_t* NodeFromJson(const char* json) {
  wgnet_node_t* node = NULL;
  CHECK_OK(wgnet_node_from_json, json, strlen(json), &node);
  return node;
}

wgnet_node_t* NodeFromConf(const char* conf, uint32_t flags) {
  wgnet_node_t* node = NULL;
  CHECK_OK(wgnet_node_from_conf, conf, strlen(conf), "wg0", "wg0.conf", flags, &node);
  return node;
}

wgnet_session_t* OpenSession(const char* owner) {
  wgnet_session_options_t options = WGNET_SESSION_OPTIONS_INIT;
  wgnet_session_t* session = NULL;
  options.owner = owner;
  options.state_dir = state_dir;
  CHECK_OK(wgnet_session_open, &options, &session);
  return session;
}

// ---- version and status ----

static void TestVersion(void) {
  CHECK_TEXT(wgnet_version(), WGNET_EXPECTED_VERSION);
  CHECK(wgnet_abi_version() == WGNET_ABI_VERSION);
}

static void TestStatusNames(void) {
  static const char* const kNames[] = {"ok",
                                       "invalid-argument",
                                       "parse",
                                       "io",
                                       "not-found",
                                       "permission",
                                       "module-missing",
                                       "not-supported",
                                       "name-taken",
                                       "port-in-use",
                                       "conflict",
                                       "read-only",
                                       "busy",
                                       "stale",
                                       "kernel",
                                       "verify",
                                       "rollback-incomplete",
                                       "state",
                                       "unresolved",
                                       "no-memory",
                                       "hook",
                                       "dns"};
  CHECK_SIZE(sizeof kNames / sizeof *kNames, WGNET_DNS + 1);
  for (wgnet_status_t status = 0; status <= WGNET_DNS; ++status) {
    CHECK_TEXT(wgnet_status_name(status), kNames[status]);
  }
  // A code that the header does not have yet would have a name here.
  CHECK_TEXT(wgnet_status_name(WGNET_DNS + 1), "unknown");
  CHECK_TEXT(wgnet_status_name(-1), "unknown");
  CHECK_TEXT(wgnet_status_name(INT32_MIN), "unknown");
}

// ---- NULL ----

static void TestNullHandles(void) {
  wgnet_free(NULL);
  wgnet_error_free(NULL);
  wgnet_node_free(NULL);
  wgnet_plan_free(NULL);
  wgnet_session_close(NULL);
  wgnet_watcher_close(NULL);
  CHECK(wgnet_watcher_fd(NULL) == -1);
  CHECK(wgnet_error_code(NULL) == WGNET_OK);
  CHECK_TEXT(wgnet_error_message(NULL), "");
  CHECK_TEXT(wgnet_error_where(NULL), "");
  CHECK_TEXT(wgnet_error_hint(NULL), "");
  CHECK(wgnet_error_step(NULL) == 0);
  CHECK(wgnet_error_steps(NULL) == 0);
  CHECK_TEXT(wgnet_error_command(NULL), "");
  CHECK(wgnet_error_errno(NULL) == 0);
  CHECK_TEXT(wgnet_error_kernel_message(NULL), "");
  CHECK_TEXT(wgnet_error_kernel_attribute(NULL), "");
  CHECK_SIZE(wgnet_error_leftover_count(NULL), 0);
  CHECK_TEXT(wgnet_error_leftover_command(NULL, 0), "");
  CHECK_TEXT(wgnet_error_leftover_reason(NULL, 0), "");
  CHECK_TEXT(wgnet_error_to_string(NULL), "");
  CHECK_SIZE(wgnet_node_warning_count(NULL), 0);
  CHECK_TEXT(wgnet_node_warning(NULL, 0), "");
  CHECK_SIZE(wgnet_plan_size(NULL), 0);
  CHECK_SIZE(wgnet_plan_warning_count(NULL), 0);
  CHECK_TEXT(wgnet_plan_warning(NULL, 0), "");
}

static void TestNullForNodes(void) {
  char nothing = 0;
  wgnet_node_t* node = (wgnet_node_t*)(void*)&nothing;
  CHECK_REFUSES("text", wgnet_node_from_json, NULL, 0, &node);
  CHECK(node == NULL);
  CHECK_REFUSES("node", wgnet_node_from_json, kJson, strlen(kJson), NULL);

  const size_t length = strlen(kConf);
  node = (wgnet_node_t*)(void*)&nothing;
  CHECK_REFUSES("text", wgnet_node_from_conf, NULL, 0, "wg0", "wg0.conf", 0, &node);
  CHECK(node == NULL);
  CHECK_REFUSES("interface_name", wgnet_node_from_conf, kConf, length, NULL, "wg0.conf", 0, &node);
  CHECK_REFUSES("file_name", wgnet_node_from_conf, kConf, length, "wg0", NULL, 0, &node);
  CHECK_REFUSES("node", wgnet_node_from_conf, kConf, length, "wg0", "wg0.conf", 0, NULL);

  char* text = &nothing;
  CHECK_REFUSES("node", wgnet_node_to_json, NULL, WGNET_HIDE_SECRETS, &text);
  CHECK(text == NULL);
  node = wgnet_node_new();
  CHECK_REFUSES("text", wgnet_node_to_json, node, WGNET_HIDE_SECRETS, NULL);
  wgnet_node_free(node);
}

// A plan takes a kernel that can be read, so a good one is not at hand here.
static void TestNullForSessions(void) {
  char nothing = 0;
  wgnet_session_options_t options = WGNET_SESSION_OPTIONS_INIT;
  CHECK_REFUSES("session", wgnet_session_open, &options, NULL);
  CHECK_REFUSES("session", wgnet_session_open, NULL, NULL);

  wgnet_session_t* session = OpenSession("capi");
  wgnet_node_t* node = wgnet_node_new();
  wgnet_plan_t* plan = (wgnet_plan_t*)(void*)&nothing;
  CHECK_REFUSES("session", wgnet_session_plan, NULL, node, &plan);
  CHECK(plan == NULL);
  CHECK_REFUSES("node", wgnet_session_plan, session, NULL, &plan);
  CHECK_REFUSES("plan", wgnet_session_plan, session, node, NULL);

  size_t steps = 7;
  CHECK_REFUSES("session", wgnet_session_apply, NULL, node, &steps);
  CHECK_SIZE(steps, 0);
  CHECK_REFUSES("node", wgnet_session_apply, session, NULL, NULL);
  steps = 7;
  CHECK_REFUSES("session", wgnet_session_apply_plan, NULL, NULL, &steps);
  CHECK_SIZE(steps, 0);
  CHECK_REFUSES("plan", wgnet_session_apply_plan, session, NULL, NULL);
  steps = 7;
  CHECK_REFUSES("session", wgnet_session_recover, NULL, &steps);
  CHECK_SIZE(steps, 0);

  char* text = &nothing;
  CHECK_REFUSES("session", wgnet_session_snapshot_json, NULL, WGNET_HIDE_SECRETS, &text);
  CHECK(text == NULL);
  CHECK_REFUSES("text", wgnet_session_snapshot_json, session, WGNET_HIDE_SECRETS, NULL);
  text = &nothing;
  CHECK_REFUSES("plan", wgnet_plan_explain, NULL, &text);
  CHECK(text == NULL);
  text = &nothing;
  CHECK_REFUSES("plan", wgnet_plan_to_json, NULL, WGNET_HIDE_SECRETS, &text);
  CHECK(text == NULL);
  text = &nothing;
  CHECK_REFUSES("session", wgnet_session_recovered_json, NULL, &text);
  CHECK(text == NULL);
  CHECK_REFUSES("text", wgnet_session_recovered_json, session, NULL);
  plan = (wgnet_plan_t*)(void*)&nothing;
  CHECK_REFUSES("session", wgnet_session_plan_cleanup, NULL, &plan);
  CHECK(plan == NULL);
  CHECK_REFUSES("plan", wgnet_session_plan_cleanup, session, NULL);
  wgnet_node_free(node);
  wgnet_session_close(session);
}

static int32_t SayYes(void* data) {
  (void)data;
  CHECK(!"a probe is called");
  return 1;
}

static void TestNullToConfirm(void) {
  char nothing = 0;
  char* text = &nothing;
  size_t steps = 7;
  wgnet_session_t* session = OpenSession("capi");
  wgnet_node_t* node = wgnet_node_new();
  CHECK_REFUSES("session", wgnet_session_apply_to_confirm, NULL, node, NULL, &text, &steps);
  CHECK(text == NULL);
  CHECK_SIZE(steps, 0);
  CHECK_REFUSES("node", wgnet_session_apply_to_confirm, session, NULL, NULL, NULL, NULL);
  text = &nothing;
  steps = 7;
  CHECK_REFUSES("session", wgnet_session_apply_plan_to_confirm, NULL, NULL, NULL, &text, &steps);
  CHECK(text == NULL);
  CHECK_SIZE(steps, 0);
  CHECK_REFUSES("plan", wgnet_session_apply_plan_to_confirm, session, NULL, NULL, NULL, NULL);
  text = &nothing;
  CHECK_REFUSES("session", wgnet_session_pending_json, NULL, &text);
  CHECK(text == NULL);
  CHECK_REFUSES("text", wgnet_session_pending_json, session, NULL);
  steps = 7;
  CHECK_REFUSES("session", wgnet_session_confirm, NULL, NULL, &steps);
  CHECK_SIZE(steps, 0);
  steps = 7;
  CHECK_REFUSES("session", wgnet_session_rollback, NULL, NULL, &steps);
  CHECK_SIZE(steps, 0);
  CHECK_REFUSES("session", wgnet_session_extend, NULL, 0, NULL);
  steps = 7;
  CHECK_REFUSES("session", wgnet_session_confirm_when, NULL, SayYes, NULL, NULL, 0, &steps);
  CHECK_SIZE(steps, 0);
  CHECK_REFUSES("probe", wgnet_session_confirm_when, session, NULL, NULL, NULL, 0, NULL);
  steps = 7;
  CHECK_REFUSES("session", wgnet_session_confirm_on_handshake, NULL, NULL, NULL, &steps);
  CHECK_SIZE(steps, 0);
  steps = 7;
  CHECK_REFUSES("session", wgnet_session_guard, NULL, NULL, NULL, &steps);
  CHECK_SIZE(steps, 0);
  wgnet_node_free(node);
  wgnet_session_close(session);
}

static void TestNullForWatchers(void) {
  char nothing = 0;
  wgnet_watcher_t* watcher = (wgnet_watcher_t*)(void*)&nothing;
  char* text = &nothing;
  wgnet_session_t* session = OpenSession("capi");
  CHECK_REFUSES("session", wgnet_session_watch, NULL, NULL, &watcher);
  CHECK(watcher == NULL);
  CHECK_REFUSES("watcher", wgnet_session_watch, session, NULL, NULL);
  CHECK_REFUSES("watcher", wgnet_watcher_read_json, NULL, &text);
  CHECK(text == NULL);
  wgnet_session_close(session);
}

// ---- nodes ----

static void TestEmptyNode(void) {
  wgnet_node_t* node = wgnet_node_new();
  char* text = NULL;
  CHECK(node != NULL);
  CHECK_SIZE(wgnet_node_warning_count(node), 0);
  CHECK_TEXT(wgnet_node_warning(node, 0), "");
  CHECK_OK(wgnet_node_to_json, node, WGNET_HIDE_SECRETS, &text);
  CHECK_HOLDS(text, "wgnet/1");
  CHECK_LACKS(text, "interfaces");
  wgnet_free(text);
  wgnet_node_free(node);
}

static void TestJsonRoundTrip(void) {
  wgnet_node_t* node = NodeFromJson(kJson);
  char* text = NULL;
  CHECK_OK(wgnet_node_to_json, node, WGNET_HIDE_SECRETS, &text);
  CHECK_HOLDS(text, PUBLIC_KEY);
  CHECK_LACKS(text, PRIVATE_KEY);
  CHECK_LACKS(text, PRESHARED_KEY);
  wgnet_free(text);
  CHECK_OK(wgnet_node_to_json, node, WGNET_REVEAL_SECRETS, &text);
  CHECK_HOLDS(text, PRIVATE_KEY);
  CHECK_HOLDS(text, PRESHARED_KEY);

  wgnet_node_t* again = NodeFromJson(text);
  char* same = NULL;
  CHECK_OK(wgnet_node_to_json, again, WGNET_REVEAL_SECRETS, &same);
  CHECK_TEXT(same, text);
  wgnet_free(same);
  wgnet_node_free(again);

  CHECK_REFUSES("secrets", wgnet_node_to_json, node, 2, &same);
  CHECK(same == NULL);
  wgnet_free(text);
  wgnet_node_free(node);
}

// Only `length` bytes are read: what stands behind them is the caller's.
static void TestTextHasLength(void) {
  const size_t length = strlen(kJson);
  char* text = malloc(length);
  memcpy(text, kJson, length);
  wgnet_node_t* node = NULL;
  CHECK_OK(wgnet_node_from_json, text, length, &node);
  memset(text, 'x', length);
  char* json = NULL;
  CHECK_OK(wgnet_node_to_json, node, WGNET_REVEAL_SECRETS, &json);
  CHECK_HOLDS(json, PRIVATE_KEY);
  wgnet_free(json);
  wgnet_node_free(node);
  free(text);
  CHECK_FAILS(WGNET_PARSE, "1:1", wgnet_node_from_json, "", 0, &node);
}

static void TestMalformedJson(void) {
  static const char kUnknown[] = "{\"schema\": \"wgnet/1\", \"interfaces\": [{\"colour\": 1}]}";
  wgnet_node_t* node = NULL;
  wgnet_error_t* error = NULL;
  CHECK_FAILS(WGNET_PARSE, "interfaces[0].colour", wgnet_node_from_json, kUnknown, strlen(kUnknown),
              &node);
  CHECK(node == NULL);
  CHECK(wgnet_node_from_json(kUnknown, strlen(kUnknown), &node, &error) == WGNET_PARSE);
  CHECK_TEXT(wgnet_error_message(error), "unknown member");
  CHECK_HOLDS(wgnet_error_hint(error), "listen_port");
  CHECK_HOLDS(wgnet_error_to_string(error), "interfaces[0].colour: unknown member");
  CHECK_HOLDS(wgnet_error_to_string(error), wgnet_error_hint(error));
  CHECK(wgnet_error_step(error) == 0);
  CHECK(wgnet_error_steps(error) == 0);
  CHECK_TEXT(wgnet_error_command(error), "");
  CHECK(wgnet_error_errno(error) == 0);
  CHECK_SIZE(wgnet_error_leftover_count(error), 0);
  wgnet_error_free(error);
}

static void TestConf(void) {
  wgnet_node_t* from_conf = NodeFromConf(kConf, 0);
  wgnet_node_t* from_json = NodeFromJson(kJson);
  char* conf_text = NULL;
  char* json_text = NULL;
  CHECK_OK(wgnet_node_to_json, from_conf, WGNET_REVEAL_SECRETS, &conf_text);
  CHECK_OK(wgnet_node_to_json, from_json, WGNET_REVEAL_SECRETS, &json_text);
  CHECK_TEXT(conf_text, json_text);
  wgnet_free(conf_text);
  wgnet_free(json_text);
  wgnet_node_free(from_conf);
  wgnet_node_free(from_json);
}

static void TestMalformedConf(void) {
  static const char kBad[] = "[Interface]\nListenPort = many\n";
  wgnet_node_t* node = NULL;
  CHECK_FAILS(WGNET_PARSE, "my.conf:2:14", wgnet_node_from_conf, kBad, strlen(kBad), "wg0",
              "my.conf", 0, &node);
  CHECK(node == NULL);
  CHECK_FAILS(WGNET_INVALID_ARGUMENT, "Interface.Name", wgnet_node_from_conf, kConf, strlen(kConf),
              "not/a/name", "my.conf", 0, &node);
  CHECK_REFUSES("flags", wgnet_node_from_conf, kConf, strlen(kConf), "wg0", "my.conf", 4, &node);
}

// What a node cannot hold is not dropped unasked.
static void TestConfWithHooks(void) {
  static const char kText[] = "[Interface]\nPostUp = echo hello\n";
  wgnet_node_t* node = NULL;
  wgnet_error_t* error = NULL;
  CHECK_FAILS(WGNET_NOT_SUPPORTED, "a.conf:2", wgnet_node_from_conf, kText, strlen(kText), "a",
              "a.conf", WGNET_CONF_SKIP_DNS, &node);
  CHECK(wgnet_node_from_conf(kText, strlen(kText), "a", "a.conf", 0, &node, &error) != WGNET_OK);
  CHECK_TEXT(wgnet_error_hint(error), "WGNET_CONF_SKIP_HOOKS leaves it out");
  wgnet_error_free(error);
  CHECK_OK(wgnet_node_from_conf, kText, strlen(kText), "a", "a.conf", WGNET_CONF_SKIP_HOOKS, &node);
  wgnet_node_free(node);
}

static void TestConfWithDns(void) {
  static const char kText[] = "[Interface]\nDNS = 10.0.0.1, example.com\n";
  static const uint32_t kFlags[] = {0, WGNET_CONF_SKIP_DNS};
  for (size_t i = 0; i < 2; ++i) {
    wgnet_node_t* node = NodeFromConf(kText, kFlags[i]);
    char* json = NULL;
    CHECK_OK(wgnet_node_to_json, node, WGNET_HIDE_SECRETS, &json);
    CHECK((strstr(json, "example.com") != NULL) == (kFlags[i] == 0));
    wgnet_free(json);
    wgnet_node_free(node);
  }
}

static void TestConfWarnings(void) {
  // The public key is the interface's own.
  static const char kOwnPeer[] =
      "[Interface]\n"
      "PrivateKey = kGZzt/CU2MVgq19ffXB2YMDSr6WIhlkdlL1MOeGH700=\n"
      "[Peer]\n"
      "PublicKey = t95vF4b11RLCId3ArVVIJoC5Ih9CNbI0VTNuDuEzZyw=\n";
  wgnet_node_t* node = NodeFromConf(kOwnPeer, 0);
  CHECK_SIZE(wgnet_node_warning_count(node), 1);
  CHECK_HOLDS(wgnet_node_warning(node, 0), "wg0.conf:");
  CHECK_TEXT(wgnet_node_warning(node, 1), "");
  CHECK_TEXT(wgnet_node_warning(node, SIZE_MAX), "");
  wgnet_node_free(node);
}

// ---- sessions ----

static void TestOpen(void) {
  wgnet_session_options_t options = WGNET_SESSION_OPTIONS_INIT;
  wgnet_session_t* session = NULL;
  options.state_dir = state_dir;
  options.owner = "not/an/owner";
  CHECK_FAILS(WGNET_INVALID_ARGUMENT, "owner", wgnet_session_open, &options, &session);
  CHECK(session == NULL);
  options.owner = NULL;
  options.netns = "no-such-namespace";
  CHECK_FAILS(WGNET_NOT_FOUND, "netns", wgnet_session_open, &options, &session);
  options.netns = NULL;
  options.state_dir = "/proc/no/such/directory";
  CHECK_FAILS(WGNET_STATE, "state_dir", wgnet_session_open, &options, &session);
  options.state_dir = state_dir;
  options.netns = "/proc/self/ns/net";
  CHECK_OK(wgnet_session_open, &options, &session);
  wgnet_session_close(session);
}

// Two sessions, and what they were opened with, know nothing of one another.
static void TestHandlesStandAlone(void) {
  char owner[] = "first";
  wgnet_session_t* first = OpenSession(owner);
  memset(owner, 'x', sizeof owner - 1);
  wgnet_session_t* second = OpenSession("second");
  wgnet_session_close(first);
  wgnet_session_close(second);
}

static int RemoveEntry(const char* path, const struct stat* info, int type, struct FTW* walk) {
  (void)info, (void)type, (void)walk;
  return remove(path);
}

int main(int argc, char** argv) {
  const int kernel = argc == 2 && strcmp(argv[1], "kernel") == 0;
  if (argc > 1 && !kernel) {
    fprintf(stderr, "usage: %s [kernel]\n", argv[0]);
    return 2;
  }
  if (mkdtemp(state_dir) == NULL) {
    perror(state_dir);
    return 1;
  }
  TestVersion();
  TestStatusNames();
  TestNullHandles();
  TestNullForNodes();
  TestNullForSessions();
  TestNullToConfirm();
  TestNullForWatchers();
  TestEmptyNode();
  TestJsonRoundTrip();
  TestTextHasLength();
  TestMalformedJson();
  TestConf();
  TestMalformedConf();
  TestConfWithHooks();
  TestConfWithDns();
  TestConfWarnings();
  TestOpen();
  TestHandlesStandAlone();
  if (kernel) TestKernel();
  nftw(state_dir, RemoveEntry, 8, FTW_DEPTH | FTW_PHYS);
  return Report();
}
