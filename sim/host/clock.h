// The device's clock: real time since start, multiplied by --time-scale, so that timers, Date and the time module agree.
#ifndef DEVICELINK_CLOCK_H
#define DEVICELINK_CLOCK_H

// Starts the clock; a device second lasts 1/scale real seconds. Call it once, before anything asks for the time.
void clock_start(double scale);

double clock_scale(void);

// Device milliseconds since clock_start. Never goes back.
double clock_milliseconds(void);

// Device milliseconds since 1970-01-01T00:00:00Z.
double clock_wall(void);

// Lets device time pass at once. Nothing for less than 0.
void clock_leap(double milliseconds);

// Sets the wall clock (Time.set); clock_milliseconds is not touched.
void clock_set_wall(double milliseconds);

#endif
