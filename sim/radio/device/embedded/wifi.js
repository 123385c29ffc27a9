// The name under which the firmware asks for it; mcconfig gives a source file one name only, and wifi.ts stands in its tree.
export { default } from "sim/radio/device/wifi";
