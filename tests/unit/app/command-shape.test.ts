import { commandShape } from "../../../modules/app/command-shape";
import { parseJSON } from "../../../modules/json/parse-json";
import { equal, test, throws } from "../harness";

const read = (text: string) => parseJSON(ArrayBuffer.fromString(text), commandShape);

/** As phones and the cloud send them, with all that they may have. */
const messages = [
  { type: "GetThumbnail", clientToken: "t", expires: 7, imageId: "i", offset: 300 },
  { type: "GetDeviceInfo", clientToken: "t", expires: 7 },
  { type: "GetTelemetry", clientToken: "t", expires: 7 },
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
  {
    type: "ProvisionByClaim",
    endpoint: "e",
    template: "t",
    certPem: "c",
    privKey: "k",
    rootCA: "r",
    region: "x",
    expiration: 7,
  },
  { type: "RotateCertificate", template: "t" },
  { type: "TakePhoto", resolution: "VGA", quality: "low" },
  { type: "UploadPhoto", imageId: "i", url: "u", framing: "chunked" },
  { type: "GetUpload", imageId: "i" },
  { type: "GetEvents", since: 7 },
];

test("all that a command may have is read", () => {
  for (const message of messages) equal({ ...read(JSON.stringify(message)) }, message);
});

test("fields of other commands are passed over, wherever the type stands", () => {
  const all: Record<string, unknown> = {};
  for (const message of messages) Object.assign(all, message);
  for (const message of messages) {
    const { type } = message;
    const given = Object.keys(message);
    const allowed = ["type", "clientToken", "expires", ...given];
    const { type: _, ...rest } = all;
    for (const text of [JSON.stringify({ type, ...rest }), JSON.stringify({ ...rest, type })]) {
      const found = Object.keys(read(text));
      equal(
        found.filter((name) => !allowed.includes(name)),
        [],
        type,
      );
      equal(
        given.filter((name) => !found.includes(name)),
        [],
        type,
      );
    }
  }
});

test("of a command that nobody knows the type and the token are read", () => {
  for (const type of ["TakePicture", "", "toString", "__proto__", 7, null, {}, ["UploadPhoto"]]) {
    const message = read(JSON.stringify({ url: "u", imageId: "i", clientToken: "t", type }));
    equal(Object.keys(message), ["clientToken", "type"]);
  }
  equal(Object.keys(read('{"url":"u","clientToken":"t"}')), ["clientToken"]);
});

test("the last type counts", () => {
  const url = '"url":"u"';
  equal(read(`{"type":"TakePhoto",${url},"type":"UploadPhoto"}`).url, "u");
  equal(read(`{"type":"UploadPhoto",${url},"type":"TakePhoto"}`).url, undefined);
  equal(read(`{"type":"UploadPhoto",${url},"type":["UploadPhoto"]}`).url, undefined);
  equal(read(`{"other":{"type":"UploadPhoto"},${url}}`).url, undefined);
  equal(read(`{"\\u0074ype":"Upload\\u0050hoto",${url}}`).url, "u");
});

test("an array or an object takes no memory in the place of a single value", () => {
  const many = `[${"1,".repeat(10)}"x"]`;
  equal(read(`{"clientToken":${many},"type":"GetUpload","imageId":{"imageId":${many}}}`), {
    clientToken: [],
    type: "GetUpload",
    imageId: {},
  });
  const { endpoint } = read('{"type":"RegisterDevice","endpoint":["a",["b"],{"c":1},7]}');
  equal(endpoint, ["a", [], {}, 7]);
  equal(read('{"type":"RegisterDevice","endpoint":{"endpoint":"a"}}').endpoint, { endpoint: "a" });
});

test("names that somebody else makes up are read as pairs", () => {
  const { headers } = read('{"type":"UploadPhoto","headers":{"x-a":"1","x-b":["2"],"x-c":{"d":1}},"other":1}');
  equal(headers, [
    ["x-a", "1"],
    ["x-b", []],
    ["x-c", {}],
  ]);
  for (const type of ["RotateCertificate", "ProvisionByClaim"])
    equal(read(`{"type":"${type}","parameters":{"Batch":"7"}}`).parameters, [["Batch", "7"]]);
});

test("a command has at most 6 KB, and a text in it 4.5 KB", () => {
  const padded = (length: number) => `{"type":"x"${" ".repeat(length - 12)}}`;
  equal(read(padded(6144)).type, "x");
  throws(() => read(padded(6145)), "TooLong");
  const url = "u".repeat(4608);
  equal(read(`{"type":"UploadPhoto","url":"${url}"}`).url, url);
  throws(() => read(`{"url":"${url}u"}`), "StringTooLong");
});
