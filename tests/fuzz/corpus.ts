/**
 * What the fuzzers of C begin with: small inputs that get far. Made anew for each run, because keys do not lie in a repository; the
 * choices of libFuzzer are seeded, so that apart from keys a run can be repeated.
 */
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { LocalCA } from "../../certs/local-ca.ts";

type Seeds = Record<string, Uint8Array | number[]>;

/** For tests/fuzz/targets/driver.c: a camera, pairs of what is asked and how, and then what the sensor says wrongly. */
function driverSeeds(): Seeds {
  const [start, capture, read, rewind, configure, stop, readAll] = [0, 1, 2, 3, 4, 6, 7];
  const asked = [
    [capture, 0, read, 20, rewind, 0, readAll, 0],
    [capture, 0, readAll, 0, configure + 8 * 4, 2, capture, 0, read, 10, stop, 0, start, 0, capture, 0, readAll, 0],
    [configure + 8, 2, configure + 8 * 2, 0, capture, 0, readAll, 0, readAll, 0],
    [configure, 1, capture, 0, configure, 0, capture, 0, readAll, 0],
  ];
  const seeds: Seeds = {};
  for (const [i, actions] of asked.entries())
    for (const camera of [0, 8 + 1, 8 + 16 + 5, 0x40 + 2, 0x80 + 8 + 4]) {
      const half = [camera, ...actions];
      // So many bytes pass, low part first, then one is another.
      const wrong = Array.from({ length: half.length }, (_, at) =>
        at % 3 === 0 ? 40 * (i + 1) : at % 3 === 1 ? 0 : at,
      );
      seeds[`${i}-${camera}`] = [...half, ...wrong];
    }
  return seeds;
}

/** For targets/tls.c: a record's worth of a server's words, and real sessions with a byte changed here and there. */
function tlsSeeds(): Seeds {
  const hello = [0x16, 3, 3, 0, 44, 2, 0, 0, 40, 3, 3, ...Array(32).fill(7), 0, 0xc0, 0x2b, 0, 0, 0];
  const alert = [0x15, 3, 3, 0, 2, 2, 40];
  const seeds: Seeds = { hello: [0, 80, ...hello, 80, ...alert], alert: [0, 7, ...alert], whole: [1, 0] };
  for (const pass of [3, 60, 200, 700, 1000, 1200])
    seeds[`changed-${pass}`] = [1, pass % 5, pass & 255, pass >> 8, 0xa5];
  return seeds;
}

const text = (pem: string) => Buffer.concat([Buffer.from([1]), Buffer.from(pem)]);
const binary = (der: Buffer) => Buffer.concat([Buffer.from([2]), der]);

function keySeeds(
  name: string,
  { privateKey }: { privateKey: KeyObject },
  types: ("pkcs8" | "sec1" | "pkcs1")[],
): Seeds {
  const seeds: Seeds = {};
  for (const type of types) {
    seeds[`${name}-${type}.pem`] = text(privateKey.export({ type, format: "pem" }) as string);
    seeds[`${name}-${type}.der`] = binary(privateKey.export({ type, format: "der" }));
  }
  return seeds;
}

/** For targets/credentials.c. */
async function credentialSeeds(): Promise<Seeds> {
  const authority = await LocalCA.create();
  const { certPem } = await authority.issueServer({ names: ["camera.example"] });
  const seeds: Seeds = {
    ...keySeeds("p256", generateKeyPairSync("ec", { namedCurve: "P-256" }), ["pkcs8", "sec1"]),
    ...keySeeds("p384", generateKeyPairSync("ec", { namedCurve: "P-384" }), ["sec1"]),
    ...keySeeds("k1", generateKeyPairSync("ec", { namedCurve: "secp256k1" }), ["sec1"]),
    ...keySeeds("rsa", generateKeyPairSync("rsa", { modulusLength: 2048 }), ["pkcs1", "pkcs8"]),
    ...keySeeds("ed25519", generateKeyPairSync("ed25519"), ["pkcs8"]),
    "leaf.pem": text(certPem),
    "root.pem": text(authority.certPem),
    "chain.pem": text(certPem + authority.certPem),
    "newlines.pem": text(authority.certPem.replaceAll("\n", "\\n")),
    "indented.pem": text(authority.certPem.replaceAll("\n", "\n    ")),
  };
  return seeds;
}

const makers: Record<string, () => Seeds | Promise<Seeds>> = {
  driver: driverSeeds,
  tls: tlsSeeds,
  credentials: credentialSeeds,
};

/** Writes the corpus of a target into a folder that is made anew. */
export async function writeCorpus(target: string, directory: string): Promise<number> {
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true });
  const seeds = await makers[target]();
  for (const [name, bytes] of Object.entries(seeds)) await writeFile(join(directory, name), Buffer.from(bytes));
  return Object.keys(seeds).length;
}
