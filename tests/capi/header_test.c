// SPDX-License-Identifier: MIT OR Apache-2.0
// wgnet/c.h stands alone, may be included twice, and can be used as its comments say. That this
// compiles is the test.
#include <wgnet/c.h>

wgnet_status_t UseHeader(void);

wgnet_status_t UseHeader(void) {
  wgnet_session_options_t options = WGNET_SESSION_OPTIONS_INIT;
  wgnet_session_t* session = NULL;
  wgnet_error_t* error = NULL;
  wgnet_status_t status;
  options.owner = "gateway";
  status = wgnet_session_open(&options, &session, &error);
  wgnet_session_close(session);
  wgnet_error_free(error);
  return status;
}
