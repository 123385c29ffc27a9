// Math.random of a device is its own: seeded by the system, or by the number in RANDOM_SEED, which gives the same sequence each time.
#ifndef DEVICELINK_RANDOM_H
#define DEVICELINK_RANDOM_H

// Call it once, before the machine runs. Ends the process when RANDOM_SEED is no number.
void random_start(void);

#endif
