// The name under which the firmware asks for it; mcconfig gives a source file one name only, and gatt-server.ts stands in its tree.
export { GATTServer } from "sim/radio/device/gatt-server";
