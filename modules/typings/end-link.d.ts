/** native/system/end-link on the chip, sim/radio/device/embedded/end-link on the simulated radio. */
declare module "end-link" {
  /**
   * Ends the link of a GATT connection from this side. Everything stays valid until the server calls onDisconnect, as when the phone goes;
   * the SDK's own close() does not wait for that.
   */
  export default function endLink(connection: object): void;
}
