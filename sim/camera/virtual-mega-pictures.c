// Pictures for the virtual sensor from files. photos.ts prepares them.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "virtual-mega-internal.h"

enum { PATH_ROOM = 1024, MOST_PICTURES = 10000 };

static void picture_path(char *path, const char *directory, unsigned width, unsigned height, unsigned quality,
                         unsigned index) {
  static const char *const qualities[] = {"high", "default", "low"};
  snprintf(path, PATH_ROOM, "%s/%ux%u-%s/%u.jpg", directory, width, height, qualities[quality], index);
}

static uint8_t *read_all(FILE *file, uint32_t *length) {
  if (fseek(file, 0, SEEK_END)) return NULL;
  long size = ftell(file);
  rewind(file);
  uint8_t *bytes = size > 0 && size <= VM_MEMORY ? malloc((size_t)size) : NULL;
  if (bytes && fread(bytes, 1, (size_t)size, file) != (size_t)size) {
    free(bytes);
    return NULL;
  }
  *length = (uint32_t)size;
  return bytes;
}

uint8_t *virtual_mega_file_picture(void *directory, unsigned width, unsigned height, unsigned quality, unsigned index,
                                   uint32_t *length) {
  char path[PATH_ROOM];
  unsigned count = 0;
  FILE *file = NULL;
  picture_path(path, directory, width, height, quality, index);
  file = fopen(path, "rb");
  if (!file && index) {  // past the last one: begin again
    for (; count < MOST_PICTURES; count++) {
      picture_path(path, directory, width, height, quality, count);
      FILE *found = fopen(path, "rb");
      if (!found) break;
      fclose(found);
    }
    picture_path(path, directory, width, height, quality, count ? index % count : 0);
    file = fopen(path, "rb");
  }
  if (!file) {
    fprintf(stderr, "virtual camera: no picture %s (%s)\n", path, strerror(errno));
    return NULL;
  }
  uint8_t *bytes = read_all(file, length);
  fclose(file);
  if (!bytes) fprintf(stderr, "virtual camera: cannot use picture %s\n", path);
  return bytes;
}
