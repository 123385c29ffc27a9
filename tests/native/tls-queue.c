// Ciphertext on its way out: every length around the steps in which the queue grows, exactly what was put in comes
// out, in any pieces.
// sources: native/tls/tls-queue.c
// libs: -lmbedcrypto
#include "../../native/tls/tls-queue.h"
#include "tap.h"

#include <stdlib.h>

// Bytes that tell where they belong.
static uint8_t byte_at(size_t place) {
  return (uint8_t)(place * 31 + place / 251);
}

static bool append(tls_queue *queue, size_t from, size_t length) {
  uint8_t *data = malloc(length + 1);
  for (size_t i = 0; i < length; i++) data[i] = byte_at(from + i);
  bool appended = tls_queue_append(queue, data, length);
  free(data);
  return appended;
}

// Takes up to `size` bytes and looks at them; exactly so much memory is there for them.
static size_t take(tls_queue *queue, size_t from, size_t size) {
  uint8_t *buffer = malloc(size ? size : 1);
  size_t taken = tls_queue_take(queue, buffer, size);
  CHECK(taken <= size, "%zu of %zu", taken, size);
  for (size_t i = 0; i < taken; i++)
    if (!CHECK(buffer[i] == byte_at(from + i), "byte %zu", from + i)) break;
  free(buffer);
  return taken;
}

static void test_lengths(void) {
  tap_case("one piece of every length up to 2,100 bytes");
  for (size_t length = 0; length <= 2100; length++) {
    tls_queue queue = {0};
    CHECK(append(&queue, 0, length), "%zu", length);
    CHECK_EQUAL(queue.length, length);
    CHECK(queue.capacity >= length && queue.capacity < length + 256, "%zu for %zu", queue.capacity, length);
    CHECK_EQUAL(take(&queue, 0, length + 10), length);
    CHECK_EQUAL(queue.length, 0);
    CHECK_EQUAL(take(&queue, 0, 10), 0);
    tls_queue_release(&queue);
  }
}

static void test_pieces(void) {
  tap_case("in pieces, while others are taken: nothing is lost, doubled or moved");
  for (size_t in = 1; in <= 600; in += 37)
    for (size_t out = 1; out <= 600; out += 41) {
      tls_queue queue = {0};
      size_t put = 0, got = 0;
      for (int round = 0; round < 40; round++) {
        if (put - got + in <= 4096) {
          CHECK(append(&queue, put, in), "%zu", put);
          put += in;
        }
        size_t expected = put - got < out ? put - got : out;
        CHECK_EQUAL(take(&queue, got, out), expected);
        got += expected;
        CHECK_EQUAL(queue.length, put - got);
      }
      while (got < put) got += take(&queue, got, 1000);
      CHECK_EQUAL(queue.length, 0);
      tls_queue_release(&queue);
    }
}

static void test_room(void) {
  tap_case("room at the beginning is used before there is more of it");
  tls_queue queue = {0};
  CHECK(append(&queue, 0, 512), "first");
  CHECK_EQUAL(take(&queue, 0, 500), 500);
  CHECK(append(&queue, 512, 500), "second");
  CHECK_EQUAL(queue.capacity, 512);
  CHECK_EQUAL(take(&queue, 500, 512), 512);
  CHECK(append(&queue, 0, 512), "all of it again");
  CHECK_EQUAL(queue.capacity, 512);
  CHECK(append(&queue, 512, 1), "a byte more");
  CHECK_EQUAL(queue.capacity, 768);
  CHECK_EQUAL(take(&queue, 0, 1000), 513);
  tls_queue_release(&queue);
}

static void test_limit(void) {
  tap_case("the limit: all or nothing, and what was in it stays");
  tls_queue queue = {0};
  CHECK(append(&queue, 0, TLS_QUEUE_LIMIT), "exactly the limit");
  CHECK(!append(&queue, TLS_QUEUE_LIMIT, 1), "a byte more");
  CHECK_EQUAL(queue.length, TLS_QUEUE_LIMIT);
  CHECK_EQUAL(take(&queue, 0, TLS_QUEUE_LIMIT), TLS_QUEUE_LIMIT);
  tls_queue_release(&queue);
  CHECK(!append(&queue, 0, TLS_QUEUE_LIMIT + 1), "too much at once");
  CHECK_EQUAL(queue.length, 0);
  tls_queue_release(&queue);
}

static void test_release(void) {
  tap_case("released: nothing is in it, and it can be used again");
  tls_queue queue = {0};
  CHECK(append(&queue, 0, 300), "first");
  CHECK_EQUAL(take(&queue, 0, 7), 7);
  tls_queue_release(&queue);
  CHECK(queue.data == NULL && queue.capacity == 0 && queue.length == 0 && queue.start == 0, "something is left");
  CHECK(append(&queue, 0, 300), "again");
  CHECK_EQUAL(take(&queue, 0, 300), 300);
  tls_queue_release(&queue);
}

int main(void) {
  test_lengths();
  test_pieces();
  test_room();
  test_limit();
  test_release();
  return tap_done();
}
