/**
 * The protocol between a simulated device and the radio daemon (sim/radio/README.md). Both sides import this file, the device
 * inside XS and the daemon inside Node, so it holds constants only.
 *
 * A frame is: type (1 byte), length of the payload (2 bytes, little endian), payload. Numbers are little endian.
 */
export const maximumPayload = 544;
export const headerLength = 3;
export const protocolVersion = 1;

/** From the device. Hello comes first; its type is no H4 packet indicator, which is how the daemon knows a device from a phone. */
export const ToRadio = {
  /** version u8, mtu u16 (0: no wish), name of the process as UTF-8 */
  hello: 0x44,
  /** UUID (2 or 16 bytes) */
  service: 0x50,
  /** characteristic u8, properties u32, hasValue u8, UUID length u8, UUID, value */
  characteristic: 0x51,
  /** characteristic u8, descriptor u8, access u8 (1 value, 2 read, 4 write), UUID length u8, UUID, value */
  descriptor: 0x52,
  /** the attributes are complete */
  start: 0x53,
  /** length u8, advertising data, length u8, scan response data */
  advertise: 0x54,
  stopAdvertising: 0x55,
  /** answer to read: request u16, ATT error u8, value */
  value: 0x56,
  /** answer to write: request u16, ATT error u8 */
  written: 0x57,
  /** connection u16, characteristic u8, token u16, value */
  notify: 0x58,
  /** connection u16 */
  disconnect: 0x59,
  /** UTF-8 */
  deviceName: 0x5a,
  /** u16 */
  appearance: 0x5b,
} as const;

/** From the daemon. */
export const FromRadio = {
  ready: 0x60,
  /** connection u16, maximum write u16 */
  connected: 0x61,
  /** connection u16, HCI reason u8 */
  disconnected: 0x62,
  /** request u16, connection u16, maximum write u16, characteristic u8, descriptor u8 (0xFF: the value itself) */
  read: 0x63,
  /** as read, then the value; request 0 wants no answer */
  write: 0x64,
  /** connection u16, characteristic u8, flags u8 (1 notifications, 2 indications) */
  subscribed: 0x65,
  /** token u16, status u8 (0: sent) */
  notified: 0x66,
  /** connection u16, flags u8 (1 encrypted, 2 authenticated, 4 bonded), key size u8 */
  secured: 0x67,
} as const;

export const valueItself = 0xff;
/** ATT error "unlikely error" (Core Vol 3 Part F section 3.4.1.1). */
export const unlikelyError = 0x0e;

/** The Wi-Fi side of the daemon, a connection of its own. First byte of its hello: no H4 packet, no Bluetooth device. */
export const WiFiFrame = {
  /** from the device: version u8 */
  hello: 0x57,
  /** from the daemon: one network as JSON */
  network: 0x70,
  /** from the daemon: the networks since the last one of these are all that there are */
  complete: 0x71,
} as const;
