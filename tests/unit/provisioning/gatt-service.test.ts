import { characteristicUUID, provisioningServices, serviceUUID } from "../../../modules/provisioning/gatt-service";
import { advertisingData } from "../../../sim/radio/device/advertising-data";
import { AttributeTable } from "../../../sim/radio/device/attribute-table";
import { equal, test, throws } from "../harness";
import { bytes, text } from "./phone";

interface Characteristic {
  uuid: string;
  properties: number;
  descriptors: { uuid: string; value: ArrayBuffer }[];
}

test("the characteristics are Espressif's: service UUID with bytes 12 and 13 replaced, name in 0x2901", () => {
  equal(characteristicUUID("ff51"), "1775ff51-6b43-439b-877c-060f2d9bed07");
  const [access, service] = provisioningServices("PROV_1") as {
    uuid: string;
    characteristics: Characteristic[];
  }[];
  equal([access.uuid, service.uuid], ["1800", serviceUUID]);
  const names = service.characteristics.map(
    ({ uuid, descriptors }) => `${uuid.slice(4, 8)} ${text(descriptors[0].value)}`,
  );
  equal(names.slice(0, 5), [
    "ff4f prov-ctrl",
    "ff50 prov-scan",
    "ff51 prov-session",
    "ff52 prov-config",
    "ff53 proto-ver",
  ]);
  equal(names.slice(5), ["ff54 camera-cert", "ff55 camera-command", "ff56 camera-upload", "ff57 camera-event"]);
  equal(
    service.characteristics.map(({ properties }) => properties),
    [10, 10, 10, 10, 10, 10, 10, 10, 26],
  );
});

test("with link encryption every access wants it", () => {
  const [, service] = provisioningServices("PROV_1", true) as { characteristics: Characteristic[] }[];
  equal(service.characteristics[0].properties, 0x202 | 0x1008);
  equal(service.characteristics[8].properties, 0x202 | 0x1008 | 0x8010);
});

test("the table passes the chip's checks", () => {
  const table = new AttributeTable();
  for (const service of provisioningServices("PROV_1")) table.add(service as Parameters<typeof table.add>[0]);
  equal(table.characteristics.length, 9);
});

test("the advertisement fits: flags and service in one packet, the name in the other", () => {
  const scan = advertisingData({ flags: 6, services: [serviceUUID] });
  equal(scan.length, 21);
  equal(scan.slice(0, 6), bytes(2, 1, 6, 17, 7, 0x07));
  equal(advertisingData({ name: "PROV_0A1B2C" }), bytes(12, 9, "PROV_0A1B2C"));
  throws(() => advertisingData({ name: "x".repeat(30) }), RangeError);
  throws(() => advertisingData({ flags: 6, services: [serviceUUID, serviceUUID] }), RangeError);
});
