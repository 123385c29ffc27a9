// What the machine has used.
#ifndef DEVICELINK_STATISTICS_H
#define DEVICELINK_STATISTICS_H

#include "xs.h"

// The engine's meter has 32 bits: the loop adds up its differences here at each turn.
void statistics_sample(xsMachine *the);

// Writes one JSON object (no line end).
void statistics_write(xsMachine *the, char *text, int size);

// Forgets the peaks of slots, chunks and stack.
void statistics_reset(xsMachine *the);

#endif
