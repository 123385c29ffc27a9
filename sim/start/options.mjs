import { parseArgs } from "node:util";

/**
 * The options of `npm start`. Plain JavaScript on Node's own modules: `--help` and a wrong option are answered before
 * anything is installed.
 */

export const resolutions = [
  "96x96",
  "128x128",
  "QQVGA",
  "QVGA",
  "320x320",
  "VGA",
  "SVGA",
  "XGA",
  "HD",
  "SXGA",
  "UXGA",
  "FHD",
  "QXGA",
  "5MP",
];
const qualities = ["high", "default", "low"];
const devices = ["xs-host", "mcsim"];

export const help = `Usage: npm start [-- options]

Starts a simulated ESP32 camera, a phone, Bluetooth between them and a local cloud, and takes one picture:
provisioned over Bluetooth, connected to IoT Core with its own certificate, streamed into a presigned URL.
Then it stays up and serves the phone's page at 127.0.0.1: SPACE takes another picture, Q quits.

  --page                leave the camera in its box: its label is shown, and you set it up on the phone's page
  --aws FILE            use the AWS account that the file describes instead of the local cloud (README: Real AWS)
  --once                stop after one picture; exit 0 when it is stored and announced
  --photos FILE|DIR     what the camera sees: JPEG or PNG (default: a generated scene, different each time)
  --out DIR             where the bucket keeps its objects (default: out)
  --resolution NAME     ${resolutions.join(" ")}
                        (default: VGA; which ones there are depends on the sensor)
  --quality NAME        ${qualities.join(", ")} (default: default)
  --sensor ID           0x81 to 0x87 (default: 0x81, a 5MP camera with auto focus)
  --json                one JSON object a line on stdout, one per step; the last one is "event":"done"
  --trace-spi FILE      write every chip-select period of the camera's SPI bus as text
  --btsnoop FILE        write the Bluetooth traffic as a btsnoop capture (Wireshark opens it)
  --hci N               put the camera on the real Bluetooth adapter hciN (Linux, npm hci-socket), for a real phone to set up;
                        untried on hardware so far
  --xsbug [HOST:PORT]   let the xsbug debugger attach (default: localhost:5002)
  --device NAME         ${devices.join(" or ")}: the engine that runs the firmware (mcsim needs $MODDABLE)
  --watch               rebuild and restart the camera when a source file changes (as npm run dev does)
  --help                this text
`;

/** A wrong command line; the message says what is wrong. */
export class UsageError extends Error {}

/** `--xsbug` may stand alone: parseArgs knows no optional values, so the default is put in for it. */
function completeXsbug(args) {
  return args.map((arg, i) => {
    const next = args[i + 1];
    return arg === "--xsbug" && (next === undefined || next.startsWith("-")) ? "--xsbug=localhost:5002" : arg;
  });
}

function oneOf(name, value, allowed) {
  const found = allowed.find((item) => item.toLowerCase() === value.toLowerCase());
  if (!found) throw new UsageError(`--${name} ${value}: choose one of ${allowed.join(", ")}`);
  return found;
}

/** @param {string[]} args command line after `npm start --` */
export function parseOptions(args) {
  let values;
  try {
    ({ values } = parseArgs({
      args: completeXsbug(args),
      options: {
        once: { type: "boolean", default: false },
        photos: { type: "string" },
        out: { type: "string", default: "out" },
        resolution: { type: "string", default: "VGA" },
        quality: { type: "string", default: "default" },
        sensor: { type: "string", default: "0x81" },
        json: { type: "boolean", default: false },
        "trace-spi": { type: "string" },
        btsnoop: { type: "string" },
        hci: { type: "string" },
        xsbug: { type: "string" },
        device: { type: "string", default: "xs-host" },
        aws: { type: "string" },
        page: { type: "boolean", default: false },
        watch: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    }));
  } catch (error) {
    throw new UsageError(error.message);
  }
  const sensor = Number(values.sensor);
  if (!(sensor >= 0x81 && sensor <= 0x87)) throw new UsageError(`--sensor ${values.sensor}: 0x81 to 0x87`);
  if (values.once && values.page) throw new UsageError("--once takes a picture without the page: leave out --page");
  if (values.hci !== undefined && !/^\d{1,2}$/.test(values.hci))
    throw new UsageError(`--hci ${values.hci}: the number of the adapter, 0 for hci0`);
  if (values.hci !== undefined && values.once) throw new UsageError("--hci waits for a real phone: leave out --once");
  if (values.xsbug && !/^[^:]+:\d+$/.test(values.xsbug)) throw new UsageError(`--xsbug ${values.xsbug}: HOST:PORT`);
  return {
    ...values,
    // The phone of this process is on the virtual air, where the camera is not.
    page: values.page || values.hci !== undefined,
    sensor,
    resolution: oneOf("resolution", values.resolution, resolutions),
    quality: oneOf("quality", values.quality, qualities),
    device: oneOf("device", values.device, devices),
  };
}
