// Registers of the Arducam Mega's bridge ("ArduChip"), as named in the application note of September 2023.
#ifndef MEGA_REGISTERS_H
#define MEGA_REGISTERS_H

enum {
  MEGA_REG_TEST = 0x00,        // read/write scratch, 0 after power-on
  MEGA_REG_FRAMES = 0x01,      // N means N + 1 frames per trigger; survives a reset of the MCU
  MEGA_REG_POWER = 0x02,       // bit 2 power, bit 1 sleep, bit 0 run
  MEGA_REG_FIFO = 0x04,        // bit 0 clear done, bit 1 start capture, bit 4 rewind the read pointer (never used by the maker)
  MEGA_REG_TIMING = 0x06,      // bit 7 test pattern, bit 0 VSYNC polarity; survives even the reset below
  MEGA_REG_RESET = 0x07,       // bit 7 clear the frame memory, bit 6 reset FPGA and sensor, bit 0 read a sensor register
  MEGA_REG_I2C_DEVICE = 0x0A,
  MEGA_REG_I2C_HIGH = 0x0B,    // sensor register address
  MEGA_REG_I2C_LOW = 0x0C,
  MEGA_REG_I2C_VALUE = 0x0D,   // writing it fires the I2C write
  MEGA_REG_I2C_VALUE_HIGH = 0x0E,
  MEGA_REG_FORMAT = 0x20,
  MEGA_REG_RESOLUTION = 0x21,  // bits 6:0 code, bit 7 video; writing the value it holds spoils the next capture
  MEGA_REG_BRIGHTNESS = 0x22,
  MEGA_REG_CONTRAST = 0x23,
  MEGA_REG_SATURATION = 0x24,
  MEGA_REG_EXPOSURE_COMPENSATION = 0x25,
  MEGA_REG_WHITE_BALANCE = 0x26,
  MEGA_REG_EFFECT = 0x27,
  MEGA_REG_SHARPNESS = 0x28,   // ids below 0x85
  MEGA_REG_POWER_MODE = 0x28,  // ids from 0x85 on
  MEGA_REG_FOCUS = 0x29,
  MEGA_REG_QUALITY = 0x2A,
  MEGA_REG_ROTATION = 0x2B,
  MEGA_REG_FREEZE_EXPOSURE = 0x2C,
  MEGA_REG_FREEZE_WHITE_BALANCE = 0x2D,
  MEGA_REG_AUTO = 0x30,        // bit 7 on; bits 1:0 gain, exposure, white balance
  MEGA_REG_GAIN_HIGH = 0x31,
  MEGA_REG_GAIN_LOW = 0x32,
  MEGA_REG_EXPOSURE_19_16 = 0x33,
  MEGA_REG_EXPOSURE_15_8 = 0x34,
  MEGA_REG_EXPOSURE_7_0 = 0x35,
  MEGA_REG_BURST = 0x3C,       // command: burst read of the frame memory
  MEGA_REG_ID = 0x40,
  MEGA_REG_YEAR = 0x41,
  MEGA_REG_MONTH = 0x42,
  MEGA_REG_DAY = 0x43,
  MEGA_REG_STATE = 0x44,
  MEGA_REG_LENGTH_LOW = 0x45,
  MEGA_REG_LENGTH_MIDDLE = 0x46,
  MEGA_REG_LENGTH_HIGH = 0x47,
  MEGA_REG_I2C_DATA = 0x48,
  MEGA_REG_FPGA = 0x49,
};

enum {
  MEGA_WRITE = 0x80,            // bit 7 of the first byte
  MEGA_FIFO_CLEAR_DONE = 0x01,
  MEGA_FIFO_START = 0x02,
  MEGA_FIFO_REWIND = 0x10,
  MEGA_RESET_I2C_READ = 0x01,
  MEGA_RESET_ALL = 0x40,
  MEGA_RESET_FLUSH = 0x80,
  MEGA_STATE_MASK = 0x03,       // other bits of the state may be set: always mask
  MEGA_STATE_IDLE = 0x02,
  MEGA_STATE_DONE = 0x04,
  MEGA_STATE_LOOPS_BUSY = 0x08,  // ids from 0x85 on, after a write of MEGA_REG_AUTO
  MEGA_TIMING_NORMAL = 0x01,
  MEGA_SENSOR_ADDRESS = 0x78,
};

#endif
