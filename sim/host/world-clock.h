// A clock that the device shares with what is around it (--clock PORT). Time goes at its real pace while anything happens. When the device has nothing
// to do before its next timer, it asks whoever keeps the clock, which may make sure that nothing is under way elsewhere
// either, and then tells everybody the time to go on at. So a week takes as long as what happens in it.
//
// Lines over TCP to 127.0.0.1, milliseconds since 1970:
//   device: device            first
//   keeper: time 1767225600000    first; and after "quiet"
//   device: idle 1767225900000    nothing to do before; or "calm ...": likewise, and nothing was received or sent since the last leap
//   keeper: check             is that still so?
//   device: quiet | busy      quiet: the device stands still until it is told the time; busy: it will ask again
#ifndef DEVICELINK_WORLD_CLOCK_H
#define DEVICELINK_WORLD_CLOCK_H

#include <stdbool.h>

// Connects and sets the device's clock. Ends the process where that fails, as all the functions here do: the device would run in a time of its own.
void world_clock_join(const char *port);

// -1 without a shared clock.
int world_clock_descriptor(void);

// Nothing is to be done for so many milliseconds. Asks once until there is an answer.
void world_clock_ask(double milliseconds);

// Something has happened since.
void world_clock_stir(void);

// Something was received or sent: whoever is at the other end may have something to do now.
void world_clock_traffic(void);

// The descriptor is readable. is_quiet: nothing else is, and no timer is due.
void world_clock_ready(bool is_quiet);

#endif
