#include "xsmc.h"

#include "host/ble_gap.h"
#include "host/ble_hs.h"

// The beginning of BLEGATTServerConnectionRecord, the host data of a connection (Moddable SDK 8.2.3,
// modules/io/ble/server/esp32/bleserver.c). The handle is checked before it is used.
typedef struct connection_record {
  struct connection_record *next;
  void *server;
  xsSlot *object;
  uint16_t handle;
} connection_record;

// Unlike the SDK's close(), which frees the record at once: the link needs some more connection events to end, and a
// read or a write of the phone that comes in them makes the SDK look at the record. Here it stays until NimBLE has
// said that the link is gone, and onDisconnect follows as when the phone goes.
void xs_end_link(xsMachine *the) {
  connection_record *connection = xsmcGetHostData(xsArg(0));
  struct ble_gap_conn_desc description;
  if (connection == NULL || ble_gap_conn_find(connection->handle, &description) != 0) return;
  ble_gap_terminate(connection->handle, BLE_ERR_REM_USER_CONN_TERM);
}
