// Key-value storage over files, for the hosts whose SDK has none. STORAGE_DIRECTORY holds a folder per domain and in it a file per key: one
// letter for the type, then the value. A value is written beside the old one, made durable and moved over it, so that a cut at any moment
// leaves the old value or the new one. The limits and the type check are those of the chip's NVS, to fail here what would fail there.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mc.xs.h"
#include "xsmc.h"

#define NVS_MAX_NAME 15
#define NVS_MAX_STRING 3999
#define NVS_MAX_BLOB 508000
#define TEMPORARY ".new"

typedef struct {
  const char *name;
  char type;  // in the file
  int size;   // 0: any
  int is_signed;
} storage_format;

static const storage_format formats[] = {
    {"buffer", 'b', 0, 0}, {"string", 's', 0, 0}, {"uint8", 'B', 1, 0}, {"int8", 'c', 1, 1},
    {"uint16", 'H', 2, 0}, {"int16", 'h', 2, 1},  {"uint32", 'I', 4, 0}, {"int32", 'i', 4, 1},
};

typedef struct {
  const storage_format *format;
  int read_only;
  char directory[PATH_MAX - 256];
} storage;

void xs_key_value_destructor(void *data) {
  free(data);
}

static storage *get_storage(xsMachine *the) {
  storage *it = xsmcGetHostData(xsThis);
  if (!it)
    xsUnknownError("closed");
  return it;
}

static storage *get_writable(xsMachine *the) {
  storage *it = get_storage(the);
  if (it->read_only)
    xsUnknownError("read-only");
  return it;
}

static void fail(xsMachine *the, const char *what) {
  xsUnknownError("storage: %s: %s", (char *)what, strerror(errno));
}

static const storage_format *to_format(xsMachine *the, xsSlot *slot) {
  char *name = fxToString(the, slot);
  for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
    if (!strcmp(name, formats[i].name))
      return &formats[i];
  xsRangeError("unsupported format");
  return NULL;
}

// Only letters, digits, - and _ stand for themselves in a file name.
static void append_name(xsMachine *the, char *path, size_t size, xsSlot *slot) {
  char *name = fxToString(the, slot);
  size_t length = strlen(name);
  if (!length || length > NVS_MAX_NAME)
    xsRangeError("a name has 1 to 15 characters");
  size_t end = strlen(path);
  for (; *name && end + 4 < size; name++) {
    int plain = (*name >= '0' && *name <= '9') || ((*name | 32) >= 'a' && (*name | 32) <= 'z') || *name == '-' || *name == '_';
    end += (size_t)snprintf(path + end, size - end, plain ? "%c" : "%%%02X", (unsigned char)*name);
  }
}

static void key_path(xsMachine *the, storage *it, char *path, size_t size) {
  snprintf(path, size, "%s/", it->directory);
  append_name(the, path, size, &xsArg(0));
}

static int sync_directory(const char *path) {
  int descriptor = open(path, O_RDONLY | O_DIRECTORY);
  int result = descriptor < 0 ? -1 : fsync(descriptor);
  if (descriptor >= 0)
    close(descriptor);
  return result;
}

static void make_directory(xsMachine *the, storage *it, const char *root) {
  if ((mkdir(root, 0700) && errno != EEXIST) || (mkdir(it->directory, 0700) && errno != EEXIST) || sync_directory(root))
    fail(the, "directory");
}

void xs_key_value(xsMachine *the) {
  char *root = getenv("STORAGE_DIRECTORY");
  xsmcVars(1);
  if (!root || !*root)
    xsUnknownError("STORAGE_DIRECTORY is not set");
  storage *it = calloc(1, sizeof(storage));
  xsmcSetHostData(xsThis, it);
  it->format = &formats[0];
  if (snprintf(it->directory, sizeof(it->directory), "%s/", root) >= (int)sizeof(it->directory) - 64)
    xsRangeError("STORAGE_DIRECTORY is too long");
  xsmcGet(xsVar(0), xsArg(0), xsID_path);
  append_name(the, it->directory, sizeof(it->directory), &xsVar(0));
  if (xsmcHas(xsArg(0), xsID_format)) {
    xsmcGet(xsVar(0), xsArg(0), xsID_format);
    it->format = to_format(the, &xsVar(0));
  }
  if (xsmcHas(xsArg(0), xsID_mode)) {
    xsmcGet(xsVar(0), xsArg(0), xsID_mode);
    it->read_only = !strcmp(xsmcToString(xsVar(0)), "r");
  }
  make_directory(the, it, root);
}

void xs_key_value_close(xsMachine *the) {
  xs_key_value_destructor(xsmcGetHostData(xsThis));
  xsmcSetHostData(xsThis, NULL);
}

// Returns the value's size, -1 where there is none. The caller closes *file.
static int open_value(xsMachine *the, const char *path, char type, FILE **file) {
  struct stat status;
  *file = fopen(path, "rb");
  if (!*file && errno == ENOENT)
    return -1;
  if (!*file || fstat(fileno(*file), &status))
    fail(the, "open");
  if (fgetc(*file) != type) {
    fclose(*file);
    xsTypeError("mismatch");
  }
  return (int)status.st_size - 1;
}

static void read_integer(xsMachine *the, const storage_format *format, FILE *file) {
  uint8_t bytes[4] = {0};
  uint32_t value = 0;
  size_t count = fread(bytes, 1, (size_t)format->size, file);
  for (size_t i = count; i-- > 0;)
    value = value << 8 | bytes[i];
  int shift = 32 - 8 * format->size;
  if (format->is_signed)
    xsmcSetInteger(xsResult, (int32_t)(value << shift) >> shift);
  else
    xsmcSetNumber(xsResult, value);
}

static size_t read_bytes(xsMachine *the, const storage_format *format, size_t size, FILE *file) {
  if (format->type == 's') {
    xsResult = xsStringBuffer(NULL, (xsIntegerValue)size);
    char *text = xsmcToString(xsResult);
    text[size] = 0;
    return fread(text, 1, size, file);
  }
  if (xsmcArgc < 2) {
    xsmcSetArrayBuffer(xsResult, NULL, (xsIntegerValue)size);
    return fread(xsmcToArrayBuffer(xsResult), 1, size, file);
  }
  void *data;
  xsUnsignedValue room;
  xsmcGetBufferWritable(xsArg(1), &data, &room);
  xsmcSetInteger(xsResult, (xsIntegerValue)size);
  return room < size ? 0 : fread(data, 1, size, file);
}

void xs_key_value_read(xsMachine *the) {
  char path[PATH_MAX];
  FILE *file;
  storage *it = get_storage(the);
  key_path(the, it, path, sizeof(path));
  int size = open_value(the, path, it->format->type, &file);
  if (size < 0)
    return;
  size_t count = (size_t)size;
  if (it->format->size)
    read_integer(the, it->format, file);
  else
    count = read_bytes(the, it->format, (size_t)size, file);
  fclose(file);
  if (count < (size_t)size)
    xsRangeError("buffer too small");
}

static int write_durably(const char *path, char type, const void *data, size_t size) {
  int descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  if (descriptor < 0)
    return -1;
  int written = write(descriptor, &type, 1) == 1;
  for (size_t offset = 0; written && offset < size;) {
    ssize_t count = write(descriptor, (const char *)data + offset, size - offset);
    written = count > 0;
    offset += written ? (size_t)count : 0;
  }
  int result = written && !fsync(descriptor) ? 0 : -1;
  return close(descriptor) ? -1 : result;
}

static void store(xsMachine *the, storage *it, const void *data, size_t size) {
  char path[PATH_MAX], temporary[PATH_MAX + sizeof(TEMPORARY)];
  key_path(the, it, path, sizeof(path));
  snprintf(temporary, sizeof(temporary), "%s" TEMPORARY, path);
  if (write_durably(temporary, it->format->type, data, size) || rename(temporary, path) || sync_directory(it->directory))
    fail(the, "write");
}

void xs_key_value_write(xsMachine *the) {
  storage *it = get_writable(the);
  xsUnsignedValue size;
  void *data;
  if (it->format->type == 's') {
    size = (xsUnsignedValue)strlen(xsmcToString(xsArg(1)));
    if (size > NVS_MAX_STRING)
      xsRangeError("string too long");
    char copy[NVS_MAX_STRING + 1];  // the string may move while the key is converted
    store(the, it, strcpy(copy, xsmcToString(xsArg(1))), size);
  }
  else if (it->format->size) {
    uint32_t value = (uint32_t)(int64_t)xsmcToNumber(xsArg(1));
    uint8_t bytes[4] = {(uint8_t)value, (uint8_t)(value >> 8), (uint8_t)(value >> 16), (uint8_t)(value >> 24)};
    store(the, it, bytes, (size_t)it->format->size);
  }
  else {
    xsmcToString(xsArg(0));  // nothing may move once the address is taken
    xsmcGetBufferReadable(xsArg(1), &data, &size);
    if (size > NVS_MAX_BLOB)
      xsRangeError("buffer too long");
    store(the, it, data, size);
  }
}

void xs_key_value_delete(xsMachine *the) {
  char path[PATH_MAX];
  storage *it = get_writable(the);
  key_path(the, it, path, sizeof(path));
  if ((unlink(path) && errno != ENOENT) || sync_directory(it->directory))
    fail(the, "delete");
}

void xs_key_value_get_format(xsMachine *the) {
  xsmcSetString(xsResult, (char *)get_storage(the)->format->name);
}

void xs_key_value_set_format(xsMachine *the) {
  get_storage(the)->format = to_format(the, &xsArg(0));
}

static void decode_name(char *name) {
  char *to = name;
  for (char *from = name; *from; to++) {
    unsigned value;
    if (*from == '%' && sscanf(from + 1, "%2X", &value) == 1) {
      *to = (char)value;
      from += 3;
    }
    else
      *to = *from++;
  }
  *to = 0;
}

void xs_key_value_keys(xsMachine *the) {
  storage *it = get_storage(the);
  DIR *directory = opendir(it->directory);
  if (!directory)
    fail(the, "directory");
  xsmcVars(1);
  xsmcSetNewArray(xsResult, 0);
  int count = 0;
  for (struct dirent *entry; (entry = readdir(directory));) {
    if (strchr(entry->d_name, '.'))
      continue;  // ".", ".." and values that were never finished
    decode_name(entry->d_name);
    xsmcSetString(xsVar(0), entry->d_name);
    xsmcSetIndex(xsResult, count++, xsVar(0));
  }
  closedir(directory);
}
