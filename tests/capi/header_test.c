// SPDX-License-Identifier: MIT OR Apache-2.0
// wgnet/c.h stands alone, may be included twice, and can be used as its comments say. That this
// compiles is the test.
#include <wgnet/c.h>

wgnet_status_t UseHeader(void);

wgnet_status_t UseHeader(void) {
  wgnet_session_options_t options = WGNET_SESSION_OPTIONS_INIT;
  wgnet_confirm_options_t confirm = WGNET_CONFIRM_OPTIONS_INIT;
  wgnet_watch_options_t watch = WGNET_WATCH_OPTIONS_INIT;
  wgnet_watcher_t* watcher = NULL;
  wgnet_session_t* session = NULL;
  wgnet_error_t* error = NULL;
  wgnet_status_t status;
  options.owner = "gateway";
  confirm.within_ms = 60000;
  watch.debounce_ms = -1;
  status = wgnet_session_open(&options, &session, &error);
  if (status == WGNET_OK) status = wgnet_session_watch(session, &watch, &watcher, &error);
  if (status == WGNET_OK) {
    status = wgnet_session_apply_to_confirm(session, watch.keep, &confirm, NULL, NULL, &error);
  }
  wgnet_watcher_close(watcher);
  wgnet_session_close(session);
  wgnet_error_free(error);
  return status;
}
