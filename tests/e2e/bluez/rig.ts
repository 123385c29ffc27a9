import { RadioHost } from "../../../sim/phone/radio-host.ts";
import { Adapter } from "./adapter.ts";
import { PrivateBus } from "./dbus-daemon.ts";
import { ObjectTree } from "./dbus-objects.ts";

export interface BluezRig {
  /** For DBUS_SYSTEM_BUS_ADDRESS of a browser. */
  busAddress: string;
  adapter: Adapter;
  close(): Promise<void>;
}

/**
 * A Linux machine's Bluetooth for a browser: org.bluez on a bus of its own, whose devices are those on the simulator's radio.
 * @throws Error when dbus-daemon is missing, PhoneError RadioUnavailable
 */
export async function startBluez({ radioPort }: { radioPort: number }): Promise<BluezRig> {
  const radio = await RadioHost.open({ port: radioPort });
  const bus = await PrivateBus.start();
  const tree = await ObjectTree.serve(bus.address, "org.bluez");
  const adapter = new Adapter(tree, radio);
  return {
    busAddress: bus.address,
    adapter,
    async close() {
      await adapter.close();
      tree.close();
      await bus.close();
      await radio.close();
    },
  };
}
