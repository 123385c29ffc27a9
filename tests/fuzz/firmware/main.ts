/** Fuzzes what reads JSON, inside XS. The environment's FUZZ says what, how often, and from which seed; the last line is the result. */
import { getEnvironment } from "environment";
import { readJSON } from "./json-target";
import { Dice, Mutator } from "./mutator";
import { readRecord, recordKeys } from "./records-target";

interface Order {
  kind: "json" | "records";
  seed: number;
  runs: number;
}

/** Longer than what json-target allows, so that its bound is met. */
const longest = 800;

const messages = [
  '{"type":"TakePhoto","resolution":"VGA","quality":"high","clientToken":"a-1"}',
  '{"type":"UploadPhoto","imageId":"A1B2C3-1-1","url":"https://b/k?X-Amz-Expires=60","headers":{"Content-Type":"image/jpeg"}}',
  '{"state":{"desired":{"captureInterval":600,"brightness":-4}},"metadata":{"desired":{"brightness":{"timestamp":1}}},"version":7}',
  ' { "a" : [ 1 , -2.5e+3 , true , false , null , "\\u00e9\\n\\"" , { } , [ ] ] } ',
  '{"text":"é€😀","a":{"a":{"a":{"a":1}}}}',
];
const stored = [
  '{"since":1,"next":2,"pending":3,"due":4,"stored":5,"skipped":{"busy":6}}',
  '{"pending":[{"imageId":"a","url":"https://b/k","bytes":1,"etag":"e","time":1,"width":1,"height":1,"resolution":"VGA"}]}',
  '{"imageId":"a","due":5}',
  '{"count":41}',
  '{"captureInterval":600,"resolution":"HD","brightness":-4,"effect":"none","rotation":180}',
  '{"name":"PROV_A1B2C3","proofOfPossession":"0123456789abcdef","serial":"A1B2C3"}',
  '{"slot":0,"thingName":"camera-1","certificateId":"00ff"}',
  // Of the right form, and nothing in it is what it should be.
  '{"pending":[null,7,{"imageId":7},[]],"skipped":[],"since":"1","next":-1,"count":"41","due":null}',
  '{"name":7,"proofOfPossession":{},"serial":null,"slot":"0","imageId":[],"captureInterval":{},"effect":["none"],"rotation":"180"}',
  '{"pending":{"length":3},"skipped":null,"imageId":"a","slot":1,"trial":0,"name":"x","proofOfPossession":"y"}',
];

function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => (0x100 + byte).toString(16).slice(1)).join("");
}

export default function (): void {
  const { kind, seed, runs } = JSON.parse(getEnvironment("FUZZ") ?? "{}") as Order;
  const dice = new Dice(seed);
  const inputs = new Mutator(kind === "json" ? messages : stored, dice, longest);
  const result = { runs: 0, accepted: 0, refused: 0, failed: "" };
  while (result.runs < runs && !result.failed) {
    const bytes = inputs.next();
    const key = recordKeys[dice.roll(recordKeys.length)];
    result.runs += 1;
    try {
      if (kind === "json" ? readJSON(bytes, dice) : readRecord(key, bytes)) result.accepted += 1;
      else result.refused += 1;
    } catch (error) {
      result.failed = `input ${result.runs}${kind === "records" ? ` as ${key}` : ""}: ${error}: ${hexOf(bytes)}`;
    }
  }
  trace(`${JSON.stringify(result)}\n`);
}
