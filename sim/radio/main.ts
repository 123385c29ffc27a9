import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { type Adapter, openAdapter } from "./adapter.ts";
import { type RadioOptions, startRadio } from "./radio.ts";

const usage = `The radio: virtual Bluetooth LE controllers between simulated devices and phones.

  --port N                 TCP port on 127.0.0.1 (default: any free one)
  --mtu N                  largest ATT MTU, 23 to 517
  --pace BYTES             bytes a second in each direction (a phone manages about 100000)
  --connection-interval MS milliseconds between connection events (with or without --pace)
  --supervision-timeout MS how long a silent link lives (default: what the phone asks for)
  --btsnoop FILE           capture for Wireshark
  --hci N                  put the device on the real Bluetooth adapter hciN (npm hci-socket) instead of the virtual air

It ends with the process that started it. The first line on stdout is {"event":"listening","port":N}. Switches are JSON lines on stdin, such as
{"range":false}, {"power":false}, {"mtu":23}, {"pace":{"bytesPerSecond":20000}}, {"pace":null}, {"drop":true},
{"wifi":[{"SSID":"Devicelink","password":"correct horse"}]}.
`;

const { values } = parseArgs({
  options: {
    port: { type: "string" },
    mtu: { type: "string" },
    pace: { type: "string" },
    "connection-interval": { type: "string" },
    "supervision-timeout": { type: "string" },
    btsnoop: { type: "string" },
    hci: { type: "string" },
    help: { type: "boolean" },
  },
});
if (values.help) {
  process.stdout.write(usage);
  process.exit(0);
}

const number = (text: string | undefined) => (text === undefined ? undefined : Number(text));
const options: RadioOptions = {
  port: number(values.port),
  mtu: number(values.mtu),
  supervisionTimeout: number(values["supervision-timeout"]),
  btsnoop: values.btsnoop,
};
if (values.pace || values["connection-interval"])
  options.pace = { bytesPerSecond: number(values.pace), connectionInterval: number(values["connection-interval"]) };

/** Nothing works without it: one line that says why, and the end. */
function fail(error: unknown): never {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exit(1);
}

let adapter: Adapter | undefined;
if (values.hci !== undefined) {
  adapter = await openAdapter(Number(values.hci)).catch(fail);
  adapter.onGone = () => fail(new Error(`the Bluetooth adapter hci${values.hci} is gone: was it unplugged?`));
}
const radio = await startRadio({ ...options, adapter });
process.stdout.write(`${JSON.stringify({ event: "listening", port: radio.port })}\n`);

createInterface({ input: process.stdin }).on("line", (line) => {
  try {
    const command = JSON.parse(line);
    if (typeof command.range === "boolean") radio.setInRange(command.range);
    if (typeof command.power === "boolean") radio.setPower(command.power);
    if (typeof command.mtu === "number") radio.setMTU(command.mtu);
    if (command.pace !== undefined) radio.setPace(command.pace ?? undefined);
    if (Array.isArray(command.wifi)) radio.setWiFiNetworks(command.wifi);
    if (command.drop) radio.dropLinks();
    process.stdout.write(`${JSON.stringify({ event: "switched", ...command })}\n`);
  } catch (error) {
    process.stderr.write(`radio: ${(error as Error).message}\n`);
  }
});

const end = () => void radio.close().then(() => process.exit(0));
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, end);

// A parent that is killed cannot tell: its children are somebody else's then.
const parent = process.ppid;
setInterval(() => {
  if (process.ppid !== parent) end();
}, 1000).unref();
