// The frame in the camera's memory: burst reads into two buffers, the next chunk on its way while the last one is used.
#include <string.h>

#include "mega-internal.h"

// Command and picture bytes in one burst: as many as the buffer holds, cut to whole words where the DMA wants that. A cut
// leaves at most three bytes for a last, short burst.
static size_t burst_length(const struct mega *camera, size_t skip, uint32_t rest) {
  const struct mega_port *port = camera->port;
  size_t most = port->burst_limit - (skip > 2 ? skip : 2);
  size_t length = skip + (rest < most ? rest : most);
  return length > port->burst_alignment ? length - length % port->burst_alignment : length;
}

static int begin_burst(struct mega *camera) {
  struct mega_frame *frame = &camera->frame;
  size_t skip = (frame->dummy ? 2 : 1) + (frame->fetched ? 0 : frame->lead);
  size_t length = burst_length(camera, skip, frame->length - frame->fetched);
  if (camera->port->begin_burst(camera->port, frame->slot ^ 1, length)) return MEGA_ERROR_BUS;
  camera->bus_bytes += length;
  camera->bus_transactions++;
  frame->dummy = false;
  frame->skip = skip;
  frame->pending = length - skip;
  frame->fetched += length - skip;
  return 0;
}

// After the last burst, before its bytes are handed out: a camera that lost power meanwhile delivered zeros, and it has
// lost the mark in its scratch register too.
static int confirm_presence(struct mega *camera) {
  uint8_t mark;
  if (!camera->presence) return 0;
  int result = mega_read_register(camera, MEGA_REG_TEST, &mark);
  if (result) return result;
  return mark == MEGA_PRESENCE_MARK ? 0 : MEGA_ERROR_CAMERA_RESET;
}

// Makes the pending chunk the current one.
static int take_pending(struct mega_frame *frame, struct mega_port *port) {
  const uint8_t *data = frame->finished;
  if (!data) {
    const uint8_t *burst = port->finish_burst(port, frame->slot ^ 1);
    data = burst ? burst + frame->skip : NULL;
  }
  frame->slot ^= 1;
  frame->data = data;
  frame->left = data ? frame->pending : 0;
  frame->pending = 0;
  frame->finished = NULL;
  return data ? 0 : MEGA_ERROR_BUS;
}

// Goes to the next chunk and starts the one after it.
static int next_chunk(struct mega *camera) {
  struct mega_frame *frame = &camera->frame;
  int result = frame->pending ? 0 : begin_burst(camera);
  if (result) return result;
  result = take_pending(frame, camera->port);
  if (result) return result;
  return frame->fetched < frame->length ? begin_burst(camera) : confirm_presence(camera);
}

// Waits for a burst that is still on its way and that nobody wants any more: the next register access would go into it. Whether
// it succeeds is of no interest; a bus that is lost is noticed by whoever uses it next.
static void drop_pending(struct mega *camera) {
  struct mega_frame *frame = &camera->frame;
  bool waiting = frame->pending && !frame->finished;
  frame->pending = 0;
  frame->finished = NULL;
  if (waiting) camera->port->finish_burst(camera->port, frame->slot ^ 1);
}

// 0 or why there is no more to read.
static int end_with(struct mega *camera, int error) {
  if (error) drop_pending(camera);
  camera->frame.error = error;
  return error;
}

void mega_drop_frame(struct mega *camera) {
  drop_pending(camera);
  memset(&camera->frame, 0, sizeof camera->frame);
  camera->frame.error = MEGA_ERROR_NO_FRAME;
}

// Takes the first chunk of a fresh capture out of the camera.
int mega_open_frame(struct mega *camera, uint32_t length) {
  struct mega_frame *frame = &camera->frame;
  memset(frame, 0, sizeof *frame);
  frame->valid = true;
  frame->dummy = true;
  frame->length = length;
  int result = begin_burst(camera);
  if (result) return result;
  result = take_pending(frame, camera->port);
  if (result) return result;
  frame->head_length = frame->left < MEGA_HEAD ? frame->left : MEGA_HEAD;
  memcpy(frame->head, frame->data, frame->head_length);
  return frame->fetched == frame->length ? confirm_presence(camera) : 0;
}

static bool constant(const uint8_t *bytes, size_t length) {
  for (size_t i = 2; i < length; i++)
    if (bytes[i] != bytes[i - 2]) return false;
  return length >= 4;
}

static bool is_jpeg(const struct mega *camera) {
  return camera->actual[MEGA_FORMAT] == MEGA_JPEG;
}

// FF before the first marker: how many, when a JPEG begins behind them.
static bool find_lead(const struct mega_frame *frame, size_t *lead) {
  for (*lead = 0; *lead <= MEGA_LEAD && *lead + 2 <= frame->head_length; ++*lead) {
    if (frame->head[*lead] != 0xFF) return false;
    if (frame->head[*lead + 1] == 0xD8) return true;
  }
  return false;
}

// The picture begins at its first marker. After the probe, which compares all bytes.
void mega_drop_lead(struct mega *camera) {
  struct mega_frame *frame = &camera->frame;
  size_t lead;
  if (!is_jpeg(camera) || !find_lead(frame, &lead) || !lead) return;
  frame->lead = lead;
  frame->data += lead;
  frame->left -= lead;
  frame->length -= (uint32_t)lead;
  frame->fetched -= (uint32_t)lead;
  frame->head_length -= lead;
  memmove(frame->head, frame->head + lead, frame->head_length);
}

int mega_check_head(const struct mega *camera) {
  const struct mega_frame *frame = &camera->frame;
  bool jpeg = is_jpeg(camera);
  size_t lead;
  if (jpeg && find_lead(frame, &lead)) return 0;
  bool known_value = frame->head[0] == 0x08 && frame->head[1] == 0x01;
  // A raw picture of a dark or white wall may well be constant: there only the known value counts.
  if (constant(frame->head, frame->head_length) && (jpeg || known_value)) return MEGA_ERROR_DARK_FRAME;
  return jpeg ? MEGA_ERROR_BAD_FRAME : 0;
}

static bool is_head(const struct mega_frame *frame, const uint8_t *bytes, size_t length) {
  return length >= frame->head_length && !memcmp(bytes, frame->head, frame->head_length);
}

// After a rewind: does the burst begin with the head, behind the command byte alone or behind a dummy byte as well?
static uint8_t find_head(const struct mega_frame *frame, const uint8_t *burst, size_t length) {
  for (uint8_t skip = 1; skip <= 2; skip++)
    if (is_head(frame, burst + skip, length - skip)) return skip;
  return 0;
}

// Tries to rewind right behind the first chunk. Whatever comes then is kept: the first chunk again when the camera can
// rewind, otherwise the second one. So no byte is lost either way, also on a frame that somebody wants.
int mega_probe_rewind(struct mega *camera) {
  struct mega_frame *frame = &camera->frame;
  size_t length = frame->left + 2;
  int result = mega_write_register(camera, MEGA_REG_FIFO, MEGA_FIFO_REWIND);
  if (result) return result;
  if (camera->port->begin_burst(camera->port, frame->slot ^ 1, length)) return MEGA_ERROR_BUS;
  camera->bus_bytes += length;
  camera->bus_transactions++;
  const uint8_t *burst = camera->port->finish_burst(camera->port, frame->slot ^ 1);
  if (!burst) return MEGA_ERROR_BUS;
  uint8_t skip = find_head(frame, burst, length);
  camera->rewindable = skip != 0;
  camera->rewind_skip = skip;
  if (skip) {
    frame->slot ^= 1;
    frame->data = burst + skip;
    frame->left = length - skip < frame->length ? length - skip : frame->length;
    frame->fetched = (uint32_t)frame->left;
  } else {
    uint32_t rest = frame->length - frame->fetched;
    frame->pending = length - 1 < rest ? length - 1 : rest;
    frame->finished = frame->pending ? burst + 1 : NULL;
    frame->fetched += (uint32_t)frame->pending;
  }
  return 0;
}

static int rewind_frame(struct mega *camera) {
  struct mega_frame *frame = &camera->frame;
  drop_pending(camera);
  int result = mega_write_register(camera, MEGA_REG_FIFO, MEGA_FIFO_REWIND);
  if (result) return result;
  frame->fetched = frame->position = 0;
  frame->left = 0;
  frame->dummy = camera->rewind_skip == 2;
  mega_jpeg_begin(&frame->jpeg);
  result = next_chunk(camera);
  if (result) return result;
  return is_head(frame, frame->data, frame->left) ? 0 : MEGA_ERROR_NO_FRAME;
}

bool mega_rewind(struct mega *camera) {
  struct mega_frame *frame = &camera->frame;
  if (!frame->valid || (frame->error && frame->error != MEGA_ERROR_BUS)) return false;
  if (frame->position == 0 && !frame->error) return true;
  if (camera->rewindable != 1) return false;
  end_with(camera, rewind_frame(camera));
  if (frame->error == MEGA_ERROR_NO_FRAME) camera->rewindable = -1;  // it could once: find out again
  return !frame->error;
}

static size_t take(struct mega_frame *frame, uint8_t *buffer, size_t size) {
  size_t count = size < frame->left ? size : frame->left;
  if (count) memcpy(buffer, frame->data, count);
  mega_jpeg_scan(&frame->jpeg, frame->data, count);
  frame->data += count;
  frame->left -= count;
  frame->position += (uint32_t)count;
  return count;
}

int32_t mega_read(struct mega *camera, void *buffer, size_t size) {
  struct mega_frame *frame = &camera->frame;
  if (!frame->valid || frame->error) return frame->error ? frame->error : MEGA_ERROR_NO_FRAME;
  size_t count = take(frame, buffer, size);
  if (count == size || frame->position >= frame->length) return (int32_t)count;
  if (end_with(camera, next_chunk(camera))) return count ? (int32_t)count : frame->error;
  return (int32_t)(count + take(frame, (uint8_t *)buffer + count, size - count));
}

int mega_is_whole(const struct mega *camera) {
  const struct mega_frame *frame = &camera->frame;
  if (!frame->valid || frame->error || frame->position < frame->length || !is_jpeg(camera)) return -1;
  return mega_jpeg_is_whole(&frame->jpeg);
}
