// XS binding of the driver (mega.h). Numbers in and numbers out, so that one file compiles on XS 13 and XS 17; the face that
// applications see is modules/camera/arducam-mega.ts.
#include <stdlib.h>

#include "xsmc.h"
#include "mc.xs.h"

#include "mega.h"

struct arducam {
  struct mega camera;
  struct mega_port *port;
};

void xs_arducam_destructor(void *data) {
  struct arducam *arducam = data;
  if (!arducam) return;
  mega_stop(&arducam->camera);
  arducam->port->close(arducam->port);
  free(arducam);
}

static struct mega *camera_of(xsMachine *the) {
  struct arducam *arducam = xsmcGetHostDataValidate(xsThis, xs_arducam_destructor);
  if (!arducam) xsUnknownError("closed");
  return &arducam->camera;
}

static int integer_argument(xsMachine *the, int index, int otherwise) {
  if (index >= xsmcArgc || xsmcTypeOf(xsArg(index)) == xsUndefinedType) return otherwise;
  return xsmcToInteger(xsArg(index));
}

// constructor(host, clock, out, in, select, hz, transferSize, settle, discard, probeRewind): undefined means the default
void xs_arducam(xsMachine *the) {
  struct mega_port_settings settings = {
      .host = integer_argument(the, 0, -1),
      .clock = integer_argument(the, 1, -1),
      .out = integer_argument(the, 2, -1),
      .in = integer_argument(the, 3, -1),
      .select = integer_argument(the, 4, -1),
      .hz = integer_argument(the, 5, -1),
      .burst_limit = integer_argument(the, 6, -1),
  };
  struct mega_options options = mega_default_options;
  options.settle = (uint32_t)integer_argument(the, 7, (int)options.settle);
  options.discard = (uint8_t)integer_argument(the, 8, options.discard);
  options.probe_rewind = integer_argument(the, 9, options.probe_rewind);
  const char *error = "";
  struct arducam *arducam = calloc(1, sizeof *arducam);
  if (!arducam) xsUnknownError("out of memory");
  arducam->port = mega_port_open(&settings, &error);
  if (!arducam->port) {
    free(arducam);
    xsUnknownError("%s", error);
  }
  mega_init(&arducam->camera, arducam->port, &options);
  xsmcSetHostData(xsThis, arducam);
}

void xs_arducam_close(xsMachine *the) {
  struct arducam *arducam = xsmcGetHostData(xsThis);
  xsmcSetHostData(xsThis, NULL);
  xs_arducam_destructor(arducam);
}

void xs_arducam_start(xsMachine *the) {
  mega_start(camera_of(the));
}

void xs_arducam_stop(xsMachine *the) {
  mega_stop(camera_of(the));
}

void xs_arducam_poll(xsMachine *the) {
  xsmcSetInteger(xsResult, mega_poll(camera_of(the), (uint32_t)xsmcToInteger(xsArg(0))));
}

void xs_arducam_get_interval(xsMachine *the) {
  xsmcSetInteger(xsResult, (xsIntegerValue)mega_poll_interval(camera_of(the)));
}

void xs_arducam_configure(xsMachine *the) {
  enum mega_control control = (enum mega_control)xsmcToInteger(xsArg(0));
  xsmcSetInteger(xsResult, mega_configure(camera_of(the), control, xsmcToInteger(xsArg(1))));
}

void xs_arducam_supports(xsMachine *the) {
  enum mega_control control = (enum mega_control)xsmcToInteger(xsArg(0));
  xsmcSetBoolean(xsResult, mega_supports(camera_of(the), control, xsmcToInteger(xsArg(1))));
}

void xs_arducam_setting(xsMachine *the) {
  int32_t value = mega_setting(camera_of(the), (enum mega_control)xsmcToInteger(xsArg(0)));
  if (value != INT32_MIN) xsmcSetInteger(xsResult, value);
}

void xs_arducam_capture(xsMachine *the) {
  xsmcSetInteger(xsResult, mega_capture(camera_of(the)));
}

void xs_arducam_read(xsMachine *the) {
  struct mega *camera = camera_of(the);
  void *buffer;
  xsUnsignedValue size;
  xsmcGetBufferWritable(xsArg(0), &buffer, &size);
  xsmcSetInteger(xsResult, mega_read(camera, buffer, size));
}

void xs_arducam_rewind(xsMachine *the) {
  xsmcSetBoolean(xsResult, mega_rewind(camera_of(the)));
}

void xs_arducam_describe(xsMachine *the) {
  xsmcSetString(xsResult, (xsStringValue)mega_result_name(xsmcToInteger(xsArg(0))));
}

void xs_arducam_get_model(xsMachine *the) {
  xsmcSetString(xsResult, (xsStringValue)mega_model_name(camera_of(the)));
}

// The order is that of `Info` in modules/camera/arducam-mega.ts.
void xs_arducam_info(xsMachine *the) {
  const struct mega *camera = camera_of(the);
  uint16_t width, height;
  mega_dimensions(camera, mega_setting(camera, MEGA_RESOLUTION), &width, &height);
  const double values[] = {
      camera->identified ? camera->identification.id : 0,
      camera->identification.year,
      camera->identification.month,
      camera->identification.day,
      camera->identification.fpga,
      width,
      height,
      camera->frame.length,
      camera->frame.position,
      camera->rewindable,
      (double)camera->bus_bytes,
      (double)camera->bus_transactions,
      camera->focused,
      camera->last_length,
      mega_is_whole(camera),
  };
  unsigned index = (unsigned)xsmcToInteger(xsArg(0));
  if (index < sizeof values / sizeof *values) xsmcSetNumber(xsResult, values[index]);
}
