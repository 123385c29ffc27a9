// Our bytes to the camera beside the recorded ones of the maker's SDK. Polls are left out on both sides; every other difference must be a
// row of native/arducam/DIFFERENCES.md, and every row must be needed.
// sources: native/arducam/mega*.c sim/camera/virtual-mega*.c
#include <unistd.h>

#include "camera-rig.h"

#define TRACES "tests/native/traces/"
#define LIST "native/arducam/DIFFERENCES.md"

enum { MOST_FRAMES = 400, MOST_BYTES = 200, MOST_ROWS = 40 };

struct frame {
  char section[40];
  char bytes[3 * MOST_BYTES + 1];  // as text, "84 01"
};

struct row {
  char section[40], what[16], bytes[24], by[24];
  bool used;
};

static struct row rows[MOST_ROWS];
static unsigned row_count;
static struct frame official[MOST_FRAMES], ours[MOST_FRAMES];

// One cell of a table's line, without spaces and backticks at its ends.
static const char *cell(const char *line, char *text, size_t size) {
  const char *end = strchr(line, '|');
  if (!end) return NULL;
  size_t length = 0;
  for (const char *at = line; at < end && length + 1 < size; at++)
    if (*at != '`' && !(length == 0 && *at == ' ')) text[length++] = *at;
  while (length && text[length - 1] == ' ') length--;
  text[length] = 0;
  return end + 1;
}

// Where the virtual sensor writes our bytes: several of these programs may run at a time.
static char ours_path[] = "/tmp/devicelink-trace-XXXXXX";

static void read_rows(void) {
  char line[600];
  FILE *file = fopen(LIST, "r");
  if (!CHECK(file, "cannot read %s", LIST)) return;
  while (fgets(line, sizeof line, file) && row_count < MOST_ROWS) {
    struct row *row = &rows[row_count];
    char bytes[60];
    const char *at = line[0] == '|' && line[1] == ' ' ? cell(line + 1, row->section, sizeof row->section) : NULL;
    if (at) at = cell(at, row->what, sizeof row->what);
    if (!at || !cell(at, bytes, sizeof bytes)) continue;
    if (!strcmp(row->section, "in") || row->section[0] == '-') continue;  // head and rule of the table
    char *by = strstr(bytes, " by ");
    if (by) *by = 0;
    snprintf(row->bytes, sizeof row->bytes, "%.23s", bytes);
    snprintf(row->by, sizeof row->by, "%.23s", by ? by + 4 : "");
    row_count++;
  }
  fclose(file);
}

// Is there a row for it? "everything" and a lone "3C" stand for more than one sequence of bytes.
static struct row *find_row(const char *section, const char *what, const char *bytes) {
  for (unsigned i = 0; i < row_count; i++) {
    struct row *row = &rows[i];
    bool same = !strcmp(row->bytes, bytes) || !strcmp(row->bytes, "everything") ||
                (!strcmp(row->bytes, "3C") && !strncmp(bytes, "3C ", 3));
    if (same && !strcmp(row->what, what) && !strncmp(section, row->section, strlen(row->section))) return row;
  }
  return NULL;
}

// The periods of a trace, polls left out.
static unsigned read_trace(const char *path, struct frame *frames) {
  static char line[8000];
  char section[40] = "";
  unsigned count = 0;
  FILE *file = fopen(path, "r");
  if (!CHECK(file, "cannot read %s", path)) return 0;
  while (fgets(line, sizeof line, file) && count < MOST_FRAMES) {
    char *bar = strstr(line, " |");
    if (!strncmp(line, "== ", 3)) {
      snprintf(section, sizeof section, "%.*s", (int)strcspn(line + 3, "\n"), line + 3);
    } else if (line[0] >= '0' && line[0] <= '9' && bar) {
      *bar = 0;
      if (!strcmp(line + 5, "44 00 00")) continue;
      snprintf(frames[count].section, sizeof section, "%s", section);
      snprintf(frames[count].bytes, sizeof frames[count].bytes, "%.600s", line + 5);
      count++;
    }
  }
  fclose(file);
  return count;
}

static bool use(struct row *row) {
  if (row) row->used = true;
  return row;
}

static void compare(unsigned official_count, unsigned our_count) {
  unsigned theirs = 0, mine = 0;
  const char *section = "begin";
  while (theirs < official_count || mine < our_count) {
    const struct frame *their = theirs < official_count ? &official[theirs] : NULL;
    const char *bytes = mine < our_count ? ours[mine].bytes : "";
    struct row *replaced = their ? find_row(their->section, "replaced", their->bytes) : NULL;
    if (their && !strcmp(their->bytes, bytes)) {
      theirs++, mine++;
    } else if (replaced && !strcmp(replaced->by, bytes)) {
      use(replaced);
      theirs++, mine++;
    } else if (mine < our_count && (use(find_row(section, "inserted", bytes)) ||
                                    (their && use(find_row(their->section, "inserted", bytes))))) {
      mine++;
      continue;  // what stands before a period belongs to its section or to the one before
    } else if (their && use(find_row(their->section, "omitted", their->bytes))) {
      theirs++;
    } else {
      CHECK(false, "%s: they send [%.40s], we send [%.40s] (our period %u)", their ? their->section : section,
            their ? their->bytes : "", bytes, mine + 1);
      return;
    }
    if (their) section = their->section;
  }
}

static struct rig *open_rig(uint8_t id, size_t chunk, uint32_t length) {
  struct rig_options options = rig_defaults(id);
  options.sensor.instant = true;
  options.sensor.trace = ours_path;
  options.camera.settle = 0;
  options.camera.discard = 0;
  options.camera.probe_rewind = false;
  options.burst_limit = chunk + 2;
  options.burst_alignment = 1;
  options.picture_length = length;
  return rig_open(&options);
}

static void capture(struct rig *rig, enum mega_resolution resolution, enum mega_format format) {
  mega_configure(&rig->camera, MEGA_RESOLUTION, resolution);
  mega_configure(&rig->camera, MEGA_FORMAT, format);
  CHECK_RESULT(rig_capture(rig), MEGA_READY);
}

static void set(struct rig *rig, enum mega_control control, int32_t value) {
  CHECK_RESULT(mega_configure(&rig->camera, control, value), 0);
  CHECK_RESULT(rig_run(rig), MEGA_READY);
}

static void test_capture(const char *name, uint8_t id, size_t chunk, uint32_t length) {
  tap_case("%s", name);
  char path[200];
  struct rig *rig = open_rig(id, chunk, length);
  uint8_t *bytes;
  mega_configure(&rig->camera, MEGA_RESOLUTION, MEGA_QVGA);
  CHECK_RESULT(rig_start(rig), MEGA_READY);
  CHECK_RESULT(rig_capture(rig), MEGA_READY);
  CHECK_EQUAL(rig_read(rig, chunk, &bytes), (int32_t)length);
  free(bytes);
  CHECK_RESULT(rig_capture(rig), MEGA_READY);
  rig_close(rig);
  snprintf(path, sizeof path, TRACES "%s.txt", name);
  unsigned theirs = read_trace(path, official);
  compare(theirs, read_trace(ours_path, ours));
}

// In the order of the recording.
static void test_controls(void) {
  tap_case("controls_id81");
  struct rig *rig = open_rig(0x81, 64, 20);
  mega_configure(&rig->camera, MEGA_RESOLUTION, MEGA_QVGA);
  CHECK_RESULT(rig_start(rig), MEGA_READY);
  capture(rig, MEGA_QVGA, MEGA_JPEG);
  capture(rig, MEGA_VGA, MEGA_JPEG);
  capture(rig, MEGA_VGA, MEGA_RGB565);
  rig_close(rig);
  unsigned count = read_trace(ours_path, ours), theirs = read_trace(TRACES "controls_id81.txt", official), begin = 0, end = 0;
  while (end < theirs && strncmp(official[end].section, "takeMulti", 9)) end++;
  compare(end, count);

  rig = open_rig(0x81, 64, 20);
  mega_configure(&rig->camera, MEGA_RESOLUTION, MEGA_QVGA);
  CHECK_RESULT(rig_start(rig), MEGA_READY);
  set(rig, MEGA_QUALITY, 0);
  set(rig, MEGA_BRIGHTNESS, 1);
  set(rig, MEGA_CONTRAST, -1);
  set(rig, MEGA_SATURATION, 2);
  set(rig, MEGA_EXPOSURE_COMPENSATION, -2);
  set(rig, MEGA_WHITE_BALANCE, 3);
  set(rig, MEGA_EFFECT, 3);
  CHECK_RESULT(mega_configure(&rig->camera, MEGA_SHARPNESS, 3), MEGA_ERROR_UNSUPPORTED);
  set(rig, MEGA_FOCUS, 1);
  set(rig, MEGA_LENS, 0x155);
  set(rig, MEGA_AUTO_EXPOSURE, 0);
  CHECK_RESULT(mega_configure(&rig->camera, MEGA_EXPOSURE, 0x12345), MEGA_ERROR_UNSUPPORTED);
  set(rig, MEGA_EXPOSURE, 0x2345);
  set(rig, MEGA_AUTO_GAIN, 1);
  set(rig, MEGA_GAIN, 5);
  set(rig, MEGA_AUTO_WHITE_BALANCE, 1);
  set(rig, MEGA_ROTATION, 180);
  set(rig, MEGA_LOW_POWER, 1);
  set(rig, MEGA_LOW_POWER, 0);
  mega_start(&rig->camera);
  mega_poll(&rig->camera, rig->now);  // begins with the reset
  rig_close(rig);
  count = read_trace(ours_path, ours);
  // Ours from the first setting to the reset that ends the recording; theirs from the first period that we leave out.
  while (begin < count && strcmp(ours[begin].bytes, "AA 00")) begin++;
  unsigned last = begin;
  while (last < count && strcmp(ours[last].bytes, "87 40")) last++;
  memmove(ours, ours + begin, (last + 1 - begin) * sizeof *ours);
  memmove(official, official + end, (theirs - end) * sizeof *official);
  compare(theirs - end, last + 1 - begin);
}

int main(void) {
  tap_case("the list of differences");
  int file = mkstemp(ours_path);
  CHECK(file >= 0, "cannot make %s", ours_path);
  close(file);
  read_rows();
  CHECK(row_count > 10, "%u rows", row_count);
  test_capture("capture_qvga_jpg_id81", 0x81, 8, 20);
  test_capture("capture_qvga_jpg_id81_300B_chunk128", 0x81, 128, 300);
  test_capture("capture_qvga_jpg_id85", 0x85, 8, 20);
  test_controls();
  tap_case("every row of the list is needed");
  for (unsigned i = 0; i < row_count; i++)
    CHECK(rows[i].used, "%s: %s %s", rows[i].section, rows[i].what, rows[i].bytes);
  unlink(ours_path);
  return tap_done();
}
