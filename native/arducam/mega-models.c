// The seven models: which sizes and settings each has, and the codes that stand for a size on the wire.
#include "mega-internal.h"

#define BIT(resolution) (1u << MEGA_##resolution)
#define EVERY_LEGACY \
  (BIT(96X96) | BIT(128X128) | BIT(QVGA) | BIT(320X320) | BIT(VGA) | BIT(HD) | BIT(UXGA) | BIT(FHD))
#define EVERY_NEW (EVERY_LEGACY | BIT(QQVGA) | BIT(SVGA) | BIT(XGA) | BIT(SXGA))

static const struct mega_model models[] = {
    {.id = 0x81, .legacy = true, .focus = true, .resolutions = EVERY_LEGACY | BIT(5MP),
     .exposure_limit = 30000, .gain_minimum = 1, .gain_limit = 1023, .name = "Arducam Mega 5MP (legacy, auto focus)"},
    {.id = 0x82, .legacy = true, .sharpness = true, .yellowish = true, .resolutions = EVERY_LEGACY | BIT(QXGA),
     .exposure_limit = 30000, .gain_minimum = 1, .gain_limit = 31, .name = "Arducam Mega 3MP (legacy)"},
    {.id = 0x83, .legacy = true, .resolutions = EVERY_LEGACY | BIT(5MP),
     .exposure_limit = 65535, .gain_minimum = 1, .gain_limit = 65535, .name = "Arducam Mega 5MP (legacy, second)"},
    {.id = 0x84, .legacy = true, .sharpness = true, .yellowish = true, .resolutions = EVERY_LEGACY | BIT(QXGA),
     .exposure_limit = 65535, .gain_minimum = 1, .gain_limit = 65535, .name = "Arducam Mega 3MP (legacy, second)"},
    {.id = 0x85, .resolutions = EVERY_NEW | BIT(QXGA) | BIT(5MP),
     .exposure_limit = 10000, .gain_limit = 240, .name = "Arducam Mega 5MP"},
    {.id = 0x86, .yellowish = true, .resolutions = EVERY_NEW | BIT(QXGA),
     .exposure_limit = 10000, .gain_limit = 240, .name = "Arducam Mega 3MP"},
    {.id = 0x87, .yellowish = true, .resolutions = EVERY_NEW & ~BIT(FHD),
     .exposure_limit = 10000, .gain_limit = 240, .name = "Arducam Mega 2MP"},
};

// From id 0x85 on the code is the resolution's own number (enum mega_resolution). These are the older ones; the sizes
// that are missing here exist as codes but do not work on legacy cameras.
static const uint8_t legacy_codes[MEGA_RESOLUTION_COUNT] = {
    [MEGA_96X96] = 0x0A, [MEGA_128X128] = 0x0B, [MEGA_QVGA] = 0x01, [MEGA_320X320] = 0x0C, [MEGA_VGA] = 0x02,
    [MEGA_HD] = 0x04,    [MEGA_UXGA] = 0x06,    [MEGA_FHD] = 0x07,  [MEGA_QXGA] = 0x08,    [MEGA_5MP] = 0x09,
};

static const struct {
  uint16_t width, height;
} sizes[MEGA_RESOLUTION_COUNT] = {
    [MEGA_96X96] = {96, 96},       [MEGA_128X128] = {128, 128},  [MEGA_QQVGA] = {160, 120},
    [MEGA_QVGA] = {320, 240},      [MEGA_320X320] = {320, 320},  [MEGA_VGA] = {640, 480},
    [MEGA_SVGA] = {800, 600},      [MEGA_XGA] = {1024, 768},     [MEGA_HD] = {1280, 720},
    [MEGA_SXGA] = {1280, 1024},    [MEGA_UXGA] = {1600, 1200},   [MEGA_FHD] = {1920, 1080},
    [MEGA_QXGA] = {2048, 1536},    [MEGA_5MP] = {2592, 1944},
};

const struct mega_model *mega_find_model(uint8_t id) {
  for (size_t i = 0; i < sizeof models / sizeof *models; i++)
    if (models[i].id == id) return &models[i];
  return NULL;
}

uint8_t mega_resolution_code(const struct mega_model *model, int32_t resolution) {
  return model->legacy ? legacy_codes[resolution] : (uint8_t)resolution;
}

const char *mega_model_name(const struct mega *camera) {
  return camera->model ? camera->model->name : "unknown";
}

void mega_dimensions(const struct mega *camera, int32_t resolution, uint16_t *width, uint16_t *height) {
  bool known = resolution >= 0 && resolution < MEGA_RESOLUTION_COUNT;
  *width = known ? sizes[resolution].width : 0;
  *height = known ? sizes[resolution].height : 0;
  if (resolution == MEGA_5MP && camera->model && camera->model->id == 0x83) *height = 1936;
}

// Is the value one that any model knows?
static bool plausible(enum mega_control control, int32_t value) {
  static const struct {
    int32_t minimum, maximum;
  } ranges[MEGA_CONTROL_COUNT] = {
      [MEGA_LOW_POWER] = {0, 1},
      [MEGA_FORMAT] = {MEGA_JPEG, MEGA_YUV},
      [MEGA_RESOLUTION] = {0, MEGA_RESOLUTION_COUNT - 1},
      [MEGA_QUALITY] = {0, 2},
      [MEGA_BRIGHTNESS] = {-4, 4},
      [MEGA_CONTRAST] = {-3, 3},
      [MEGA_SATURATION] = {-3, 3},
      [MEGA_EXPOSURE_COMPENSATION] = {-3, 3},
      [MEGA_WHITE_BALANCE] = {0, 4},
      [MEGA_EFFECT] = {0, 9},
      [MEGA_SHARPNESS] = {0, 8},
      [MEGA_ROTATION] = {0, 180},
      [MEGA_FREEZE_EXPOSURE] = {0, 1},
      [MEGA_FREEZE_WHITE_BALANCE] = {0, 1},
      [MEGA_AUTO_EXPOSURE] = {0, 1},
      [MEGA_EXPOSURE] = {1, 65535},
      [MEGA_AUTO_GAIN] = {0, 1},
      [MEGA_GAIN] = {0, 65535},
      [MEGA_AUTO_WHITE_BALANCE] = {0, 1},
      [MEGA_LENS] = {0, 1023},
      [MEGA_FOCUS] = {1, 4},
  };
  if (control == MEGA_ROTATION) return value == 0 || value == 180;
  if (control == MEGA_EFFECT && (value == 7 || value == 8)) return false;  // masked out for every model
  return value >= ranges[control].minimum && value <= ranges[control].maximum;
}

static bool model_supports(const struct mega_model *model, enum mega_control control, int32_t value) {
  switch (control) {
    case MEGA_RESOLUTION: return model->resolutions & (1u << value);
    case MEGA_EFFECT: return value != 9 || model->yellowish;
    case MEGA_SHARPNESS: return model->sharpness;
    case MEGA_FREEZE_EXPOSURE:
    case MEGA_FREEZE_WHITE_BALANCE: return !model->legacy;
    case MEGA_EXPOSURE: return value <= model->exposure_limit;
    case MEGA_GAIN: return value >= model->gain_minimum && value <= model->gain_limit;
    case MEGA_LENS:
    case MEGA_FOCUS: return model->focus;
    default: return true;
  }
}

bool mega_supports(const struct mega *camera, enum mega_control control, int32_t value) {
  if ((unsigned)control >= MEGA_CONTROL_COUNT || !plausible(control, value)) return false;
  return !camera->model || model_supports(camera->model, control, value);
}
