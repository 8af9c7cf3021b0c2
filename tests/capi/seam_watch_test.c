// SPDX-License-Identifier: MIT OR Apache-2.0
// The C ABI from inside: watching.
#include <stdint.h>
#include <string.h>

#include "check.h"
#include "fake_session.h"
#include "seam_test.h"

static wgnet_session_t* session = NULL;
static const wgnet_node_t* node = NULL;

static wgnet_watcher_t* Watch(const wgnet_watch_options_t* options) {
  wgnet_watcher_t* watcher = NULL;
  CHECK_OK(wgnet_session_watch, session, options, &watcher);
  return watcher;
}

static void TestWatchDefaults(void) {
  const wgnet_watch_options_t defaults = WGNET_WATCH_OPTIONS_INIT;
  const wgnet_watch_options_t* const kOptions[] = {NULL, &defaults};
  for (size_t i = 0; i < 2; ++i) {
    wgnet_watcher_close(Watch(kOptions[i]));
    const struct FakeWatchOptions seen = FakeWatchOptionsSeen();
    CHECK(seen.keeps == -1);
    CHECK(seen.debounce_ms == 50);
    CHECK(seen.poll_interval_ms == 5000);
    CHECK(seen.peer_timeout_s == 180);
    CHECK(seen.repair_interval_ms == 10000);
    CHECK(seen.repair_burst == 5);
    CHECK(seen.receive_buffer == 1 << 20);
  }
}

static void TestWatchOptions(void) {
  wgnet_watch_options_t options = WGNET_WATCH_OPTIONS_INIT;
  options.keep = node;
  options.debounce_ms = 1;
  options.poll_interval_ms = 2;
  options.peer_timeout_ms = 3001;
  options.repair_interval_ms = 4;
  options.repair_burst = 5;
  options.receive_buffer = 6;
  wgnet_watcher_close(Watch(&options));
  struct FakeWatchOptions seen = FakeWatchOptionsSeen();
  CHECK(seen.keeps == 1);
  CHECK(seen.debounce_ms == 1);
  CHECK(seen.poll_interval_ms == 2);
  CHECK(seen.peer_timeout_s == 4);
  CHECK(seen.repair_interval_ms == 4);
  CHECK(seen.repair_burst == 5);
  CHECK(seen.receive_buffer == 6);

  options.debounce_ms = -1;
  options.peer_timeout_ms = INT64_MIN;
  wgnet_watcher_close(Watch(&options));
  seen = FakeWatchOptionsSeen();
  CHECK(seen.debounce_ms == 0);
  CHECK(seen.peer_timeout_s < 0);
  options.peer_timeout_ms = INT64_MAX;
  wgnet_watcher_close(Watch(&options));
  CHECK(FakeWatchOptionsSeen().peer_timeout_s == INT64_MAX / 1000 + 1);

  wgnet_watcher_t* watcher = NULL;
  options.struct_size = 1;
  CHECK_REFUSES("options", wgnet_session_watch, session, &options, &watcher);
  CHECK(watcher == NULL);
}

static size_t CountLines(const char* text) {
  size_t lines = 0;
  for (; text != NULL && *text != '\0'; ++text) lines += *text == '\n';
  return lines;
}

static void TestWatcher(void) {
  wgnet_watcher_t* watcher = Watch(NULL);
  char* text = NULL;
  CHECK(wgnet_watcher_fd(watcher) == kFakeDescriptor);
  CHECK_OK(wgnet_watcher_read_json, watcher, &text);
  CHECK(text == NULL);
  FakeEvents(3);
  CHECK_OK(wgnet_watcher_read_json, watcher, &text);
  CHECK_SIZE(CountLines(text), 3);
  CHECK(text[strlen(text) - 1] == '\n');
  CHECK_HOLDS(text, "missing");
  CHECK_HOLDS(text, "ip address add 10.13.13.1/24 dev wg0");
  wgnet_free(text);
  CHECK_OK(wgnet_watcher_read_json, watcher, &text);
  CHECK(text == NULL);
  wgnet_watcher_close(watcher);
}

// Events that there was no memory for are given later.
static void TestNoEventIsLost(void) {
  wgnet_watcher_t* watcher = Watch(NULL);
  int failed = 1;
  for (long first = 1; failed; ++first) {
    char* text = NULL;
    FakeEvents(2);
    FailAllocations(first, 1);
    const wgnet_status_t status = wgnet_watcher_read_json(watcher, &text, NULL);
    failed = StopFailingAllocations();
    CHECK(status == (failed ? WGNET_NO_MEMORY : WGNET_OK));
    if (failed) CHECK_OK(wgnet_watcher_read_json, watcher, &text);
    CHECK_SIZE(CountLines(text), 2);
    wgnet_free(text);
    FakeEvents(0);
    CHECK_OK(wgnet_watcher_read_json, watcher, &text);
    CHECK(text == NULL);
  }
  wgnet_watcher_close(watcher);
}

static void TestFailures(void) {
  const wgnet_status_t status = WGNET_ROLLBACK_INCOMPLETE;
  wgnet_watcher_t* watcher = Watch(NULL);
  char nothing = 0;
  wgnet_watcher_t* no_watcher = (wgnet_watcher_t*)(void*)&nothing;
  char* text = &nothing;
  FakeFailure(1);
  CHECK_FAILS(status, "the place", wgnet_session_watch, session, NULL, &no_watcher);
  CHECK(no_watcher == NULL);
  CHECK_FAILS(status, "the place", wgnet_watcher_read_json, watcher, &text);
  CHECK(text == NULL);
  FakeFailure(0);
  wgnet_watcher_close(watcher);
}

void TestWatching(wgnet_session_t* of, const wgnet_node_t* some_node) {
  session = of;
  node = some_node;
  TestWatchDefaults();
  TestWatchOptions();
  TestWatcher();
  TestNoEventIsLost();
  TestFailures();
}
