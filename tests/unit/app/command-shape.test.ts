import { commandShape } from "../../../modules/app/command-shape";
import { parseJSON } from "../../../modules/json/parse-json";
import { equal, test, throws } from "../harness";

const read = (text: string) => parseJSON(ArrayBuffer.fromString(text), commandShape);

/** As phones and the cloud send them, with all that they may have. */
const messages = [
  { type: "GetThumbnail", clientToken: "t", expires: 7, imageId: "i", offset: 300 },
  { type: "CreateCsr", thingName: "n" },
  {
    type: "RegisterDevice",
    thingName: "n",
    endpoint: ["a", "b"],
    certPem: "c",
    rootCA: "r",
    privKey: "k",
    region: "x",
  },
  { type: "ProveOwnership", identity: "i", nonce: "n", thingName: "t", csr: true },
  { type: "ProvisionByClaim", endpoint: "e", template: "t", certPem: "c", privKey: "k", expiration: 7 },
  { type: "TakePhoto", resolution: "VGA", quality: "low" },
  { type: "UploadPhoto", imageId: "i", url: "u", framing: "chunked" },
  { type: "GetEvents", since: 7 },
];

test("all that a command may have is read", () => {
  for (const message of messages) equal({ ...read(JSON.stringify(message)) }, message);
});

test("names that somebody else makes up are read as pairs, others are passed over", () => {
  const { headers, parameters, other } = read('{"headers":{"x-a":"1"},"parameters":{"Batch":"7"},"other":1}');
  equal([headers, parameters, other], [[["x-a", "1"]], [["Batch", "7"]], undefined]);
});

test("a command has at most 6 KB, and a text in it 4.5 KB", () => {
  const padded = (length: number) => `{"type":"x"${" ".repeat(length - 12)}}`;
  equal(read(padded(6144)).type, "x");
  throws(() => read(padded(6145)), "TooLong");
  const url = "u".repeat(4608);
  equal(read(`{"url":"${url}"}`).url, url);
  throws(() => read(`{"url":"${url}u"}`), "StringTooLong");
});
