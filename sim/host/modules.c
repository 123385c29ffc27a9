#include "modules.h"

#include "failure.h"
#include "script.h"

static module *first;

static char *field(char **cursor) {
  char *result = strsep(cursor, "\t\n");
  if (!result) {
    fprintf(stderr, "compiled manifest: a field is missing\n");
    exit(EXIT_USAGE);
  }
  return result;
}

static char *join_root(const char *root, const char *path) {
  size_t size = strlen(root) + strlen(path) + 2;
  char *result = malloc(size);
  snprintf(result, size, "%s%s%s", root, *root ? "/" : "", path);
  return result;
}

static void read_module(module ***last, char *cursor, const char *root) {
  module *entry = calloc(1, sizeof(module));
  entry->name = strdup(field(&cursor));
  entry->script = strdup(field(&cursor));
  char *map = field(&cursor);
  entry->map = *map ? strdup(map) : NULL;
  entry->source = join_root(root, field(&cursor));
  entry->preload = atoi(field(&cursor)) != 0;
  **last = entry;
  *last = &entry->next;
}

static void read_budget(arena_budget *budget, char *cursor) {
  int *values[] = {&budget->chunk_initial, &budget->chunk_incremental, &budget->heap_initial, &budget->heap_incremental,
                   &budget->stack, &budget->static_bytes, &budget->keys_initial, &budget->keys_incremental};
  for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
    *values[i] = atoi(field(&cursor));
}

firmware *modules_read(const char *path, const char *root) {
  FILE *file = fopen(path, "r");
  if (!file) {
    fprintf(stderr, "%s: %s\n", path, strerror(errno));
    exit(EXIT_USAGE);
  }
  firmware *it = calloc(1, sizeof(firmware));
  module **last = &it->modules;
  char *line = NULL;
  size_t capacity = 0;
  while (getline(&line, &capacity, file) > 0) {
    char *cursor = line;
    char *kind = field(&cursor);
    if (!strcmp(kind, "creation"))
      read_budget(&it->budget, cursor);
    else if (!strcmp(kind, "module"))
      read_module(&last, cursor, root);
  }
  free(line);
  fclose(file);
  first = it->modules;
  return it;
}

void modules_parse(txMachine *root, firmware *it) {
  for (module *entry = it->modules; entry; entry = entry->next) {
    fxNewNameC(root, entry->name);
    fxNewNameC(root, entry->source);  // a debugger's breakpoint finds it there
    script_parse(root, entry);
  }
}

module *modules_find(const char *name) {
  module *entry = first;
  while (entry && strcmp(entry->name, name))
    entry = entry->next;
  return entry;
}

// Makes "a/b" of "./b" in "a/x", and "b" of "../b" in "a/x".
static bool join(char *path, size_t size, const char *base, const char *relative) {
  if (snprintf(path, size, "%s", base) >= (int)size)
    return false;
  char *end = strrchr(path, '/');
  end = end ? end : path;
  *end = 0;
  for (;;) {
    if (!strncmp(relative, "./", 2))
      relative += 2;
    else if (!strncmp(relative, "../", 3)) {
      if (end == path)
        return false;
      relative += 3;
      end = strrchr(path, '/');
      end = end ? end : path;
      *end = 0;
    }
    else
      break;
  }
  size_t length = end - path;
  return snprintf(end, size - length, "%s%s", length ? "/" : "", relative) < (int)(size - length);
}

txID fxFindModule(txMachine *the, txSlot *realm, txID importer, txSlot *specifier) {
  (void)realm;
  char name[C_PATH_MAX], path[C_PATH_MAX];
  fxToStringBuffer(the, specifier, name, sizeof(name));
  char *extension = strrchr(name, '.');
  if (extension && (!strcmp(extension, ".js") || !strcmp(extension, ".mjs")))
    *extension = 0;
  if (name[0] == '.') {
    char *base = importer == XS_NO_ID ? "" : fxGetKeyName(the, importer);
    if (!join(path, sizeof(path), base, name))
      return XS_NO_ID;
  }
  else
    strcpy(path, name);
  return modules_find(path) ? fxNewNameC(the, path) : XS_NO_ID;
}

void fxLoadModule(txMachine *the, txSlot *slot, txID id) {
  module *entry = modules_find(fxGetKeyName(the, id));
  if (entry)
    script_run(the, entry, slot, id);
}
