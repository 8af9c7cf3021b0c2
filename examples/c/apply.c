// SPDX-License-Identifier: MIT OR Apache-2.0
// Brings the kernel to what a file says, and prints the commands that do the same.
//
//   apply [-n] [-o OWNER] [-N NETNS] [-s STATE_DIR] FILE
//
// FILE is INTERFACE.conf of wg-quick(8), or a document of schema "wgnet/1". With -n nothing is
// changed. Exit status: 0 done, 1 failed and nothing is changed, 2 usage, 3 failed and not all
// could be undone.
#define _DEFAULT_SOURCE  // getopt, explicit_bzero

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wgnet/c.h>

enum { kMostBytes = 16 << 20 };

// The file holds keys.
static void FreeWiped(char* text, size_t length) {
  if (text != NULL) explicit_bzero(text, length);
  free(text);
}

static char* ReadWhole(FILE* file, size_t* length) {
  char* text = malloc(kMostBytes);
  if (text == NULL) return NULL;
  setvbuf(file, NULL, _IONBF, 0);
  *length = fread(text, 1, kMostBytes, file);
  if (feof(file)) return text;
  FreeWiped(text, *length);
  return NULL;
}

// The node of a text, by the name of its file.
static wgnet_status_t ReadNode(const char* path, const char* text, size_t length,
                               wgnet_node_t** node, wgnet_error_t** error) {
  const char* slash = strrchr(path, '/');
  const char* name = slash != NULL ? slash + 1 : path;
  const char* suffix = strrchr(name, '.');
  if (suffix == NULL || strcmp(suffix, ".conf") != 0) {
    return wgnet_node_from_json(text, length, node, error);
  }
  char interface_name[64];
  snprintf(interface_name, sizeof interface_name, "%.*s", (int)(suffix - name), name);
  return wgnet_node_from_conf(text, length, interface_name, path, 0, node, error);
}

static wgnet_status_t LoadNode(const char* path, wgnet_node_t** node, wgnet_error_t** error) {
  size_t length = 0;
  FILE* file = fopen(path, "re");
  char* text = file != NULL ? ReadWhole(file, &length) : NULL;
  if (file != NULL) fclose(file);
  if (text == NULL) {
    fprintf(stderr, "%s: cannot be read, or is larger than 16 MiB\n", path);
    return WGNET_IO;
  }
  const wgnet_status_t status = ReadNode(path, text, length, node, error);
  FreeWiped(text, length);
  return status;
}

static wgnet_status_t PrintPlan(const wgnet_plan_t* plan, wgnet_error_t** error) {
  char* text = NULL;
  const wgnet_status_t status = wgnet_plan_explain(plan, &text, error);
  if (status != WGNET_OK) return status;
  fputs(text, stdout);
  wgnet_free(text);
  for (size_t i = 0; i < wgnet_plan_warning_count(plan); ++i) {
    fprintf(stderr, "warning: %s\n", wgnet_plan_warning(plan, i));
  }
  return WGNET_OK;
}

static wgnet_status_t PlanAndApply(wgnet_session_t* session, const wgnet_node_t* node,
                                   int only_plan, wgnet_error_t** error) {
  wgnet_plan_t* plan = NULL;
  size_t steps = 0;
  wgnet_status_t status = wgnet_session_plan(session, node, &plan, error);
  if (status == WGNET_OK) status = PrintPlan(plan, error);
  if (status == WGNET_OK && !only_plan) {
    status = wgnet_session_apply_plan(session, plan, &steps, error);
    if (status == WGNET_OK) printf("# %zu steps done\n", steps);
  }
  wgnet_plan_free(plan);
  return status;
}

static wgnet_status_t Run(const wgnet_session_options_t* options, const char* path, int only_plan,
                          wgnet_error_t** error) {
  wgnet_node_t* node = NULL;
  wgnet_session_t* session = NULL;
  wgnet_status_t status = LoadNode(path, &node, error);
  for (size_t i = 0; i < wgnet_node_warning_count(node); ++i) {
    fprintf(stderr, "warning: %s\n", wgnet_node_warning(node, i));
  }
  if (status == WGNET_OK) status = wgnet_session_open(options, &session, error);
  if (status == WGNET_OK) status = PlanAndApply(session, node, only_plan, error);
  wgnet_session_close(session);
  wgnet_node_free(node);
  return status;
}

int main(int argc, char** argv) {
  wgnet_session_options_t options = WGNET_SESSION_OPTIONS_INIT;
  int only_plan = 0;
  for (int option; (option = getopt(argc, argv, "nN:o:s:")) != -1;) {
    if (option == 'n') only_plan = 1;
    if (option == 'N') options.netns = optarg;
    if (option == 'o') options.owner = optarg;
    if (option == 's') options.state_dir = optarg;
    if (option == '?') return 2;
  }
  if (optind + 1 != argc) {
    fprintf(stderr, "usage: %s [-n] [-o OWNER] [-N NETNS] [-s STATE_DIR] FILE\n", argv[0]);
    return 2;
  }
  wgnet_error_t* error = NULL;
  const wgnet_status_t status = Run(&options, argv[optind], only_plan, &error);
  if (status == WGNET_OK) return 0;
  if (error != NULL) fprintf(stderr, "%s\n", wgnet_error_to_string(error));
  if (error == NULL && status != WGNET_IO) fprintf(stderr, "%s\n", wgnet_status_name(status));
  const int exit_status = wgnet_error_leftover_count(error) > 0 ? 3 : 1;
  wgnet_error_free(error);
  return exit_status;
}
