// What the machine has used.
#ifndef DEVICELINK_STATISTICS_H
#define DEVICELINK_STATISTICS_H

#include "xs.h"

// The engine's meter has 32 bits: the loop adds up its differences here at each turn.
void statistics_sample(xsMachine *the);

// Writes one JSON object (no line end).
void statistics_write(xsMachine *the, char *text, int size);

// Bytes that slots (of 16 bytes, as on the chip) and chunks have left, what the next collection would give back not included.
int statistics_free(xsMachine *the);

// Forgets the peaks of slots, chunks and stack.
void statistics_reset(xsMachine *the);

// Prints them to stdout as {"event":"statistics","statistics":{...}}.
void statistics_print(xsMachine *the);

// From now on SIGUSR1 asks to print them, SIGUSR2 to print them and start the peaks anew. Answered once there is a machine.
void statistics_listen(void);
void statistics_serve(xsMachine *the);

#endif
