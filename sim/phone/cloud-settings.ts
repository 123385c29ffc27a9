import type { CameraLabel } from "./label.ts";

/** Addresses that stand in for AWS's own; `http:`, `https:`, and `ws:` or `wss:` for MQTT. */
export interface CloudEndpoints {
  cognitoIdp: string;
  cognitoIdentity: string;
  /** IoT's control plane. */
  iot: string;
  /** IoT's data plane. */
  iotData: string;
  s3: string;
  /** MQTT over WebSocket, path included. */
  mqtt: string;
  /** The address of S3 as the camera reaches it: URLs for the camera are signed for this one. */
  deviceS3: string;
}

/** What a person would read off the simulated camera and the router beside it. */
export interface SimulatorHints {
  /** On the camera, as long as nobody owns it. */
  label?: CameraLabel;
  wifi?: { ssid: string; passphrase: string };
}

/** Which cloud a page works with: the content of `/settings.json`, or of the file of `--aws`. */
export interface CloudSettings {
  /** What the person calls the account; "Simulator" for the local cloud. */
  name: string;
  /** Such as eu-west-1. */
  region: string;
  /** Of the Cognito user pool, such as eu-west-1_a1B2c3D4e. */
  userPoolId: string;
  /** Of an app client without secret that allows SRP (ALLOW_USER_SRP_AUTH) and refreshing. */
  userPoolClientId: string;
  /** Of the Cognito identity pool, such as eu-west-1:01234567-89ab-cdef-0123-456789abcdef. */
  identityPoolId: string;
  /** The S3 bucket for the pictures. */
  bucket: string;
  /** Only for a cloud that stands in for AWS. */
  endpoints?: CloudEndpoints;
  /** The root certificates that the camera shall trust, PEM. Absent: Amazon's, which it knows. */
  rootCA?: string;
  /** `ws:` address of the simulator's radio. Absent: Web Bluetooth only. */
  radio?: string;
  /** Of the simulator, where it is no secret. */
  account?: { username: string; password: string };
  /** With a real camera there is no such thing. */
  simulator?: SimulatorHints;
}

/** Settings that cannot be used; `problems` has one sentence for each mistake. */
export class SettingsError extends Error {
  readonly code = "BadSettings";
  readonly problems: readonly string[];

  constructor(problems: string[]) {
    super(`the settings cannot be used: ${problems.join("; ")}`);
    this.name = "SettingsError";
    this.problems = problems;
  }
}

const regionPattern = /^[a-z]{2}(-[a-z]+)+-\d+$/;
const patterns: Record<string, { pattern: RegExp; example: string }> = {
  region: { pattern: regionPattern, example: "eu-west-1" },
  userPoolId: { pattern: /^[\w-]+_[0-9a-zA-Z]+$/, example: "eu-west-1_a1B2c3D4e" },
  userPoolClientId: { pattern: /^[\w+]+$/, example: "1h57kf5cpq17m0eml12EXAMPLE" },
  identityPoolId: { pattern: /^[\w-]+:[0-9a-f-]+$/, example: "eu-west-1:01234567-89ab-cdef-0123-456789abcdef" },
  bucket: { pattern: /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, example: "my-camera-pictures" },
};
const endpointSchemes: Record<keyof CloudEndpoints, string[]> = {
  cognitoIdp: ["http:", "https:"],
  cognitoIdentity: ["http:", "https:"],
  iot: ["http:", "https:"],
  iotData: ["http:", "https:"],
  s3: ["http:", "https:"],
  mqtt: ["ws:", "wss:"],
  deviceS3: ["https:"],
};

/**
 * Checks settings that somebody wrote.
 * @param value a parsed JSON document
 * @throws SettingsError with everything that is wrong, not the first mistake only
 */
export function parseCloudSettings(value: unknown): CloudSettings {
  if (!isObject(value)) throw new SettingsError(["there is no JSON object in them"]);
  const problems = [
    ...nameProblems(value),
    ...identifierProblems(value),
    ...placeProblems(value),
    ...endpointProblems(value.endpoints),
    ...optionalProblems(value),
  ];
  if (problems.length) throw new SettingsError(problems);
  return value as unknown as CloudSettings;
}

type JsonObject = Record<string, unknown>;

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function nameProblems({ name }: JsonObject): string[] {
  if (typeof name === "string" && name.trim()) return [];
  return ['"name" is missing: what you call this account, such as "Home"'];
}

function identifierProblems(value: JsonObject): string[] {
  return Object.entries(patterns).flatMap(([field, { pattern, example }]) => {
    const given = value[field];
    if (given === undefined || given === "") return [`"${field}" is missing: such as "${example}"`];
    if (typeof given !== "string" || !pattern.test(given)) return [`"${field}" looks like "${example}"`];
    return [];
  });
}

/** Both pools name their region in front: a mixture is a mistake that AWS answers with riddles. */
function placeProblems({ region, userPoolId, identityPoolId }: JsonObject): string[] {
  if (typeof region !== "string") return [];
  const problems: string[] = [];
  const isElsewhere = (id: unknown, end: string): id is string =>
    typeof id === "string" && !id.startsWith(region + end);
  if (isElsewhere(userPoolId, "_")) problems.push(`"userPoolId" ${userPoolId} is not in region ${region}`);
  if (isElsewhere(identityPoolId, ":")) problems.push(`"identityPoolId" ${identityPoolId} is not in region ${region}`);
  return problems;
}

function endpointProblems(endpoints: unknown): string[] {
  if (endpoints === undefined) return [];
  if (!isObject(endpoints)) return ['"endpoints" is an object of addresses'];
  return Object.entries(endpointSchemes).flatMap(([name, schemes]) =>
    urlProblem(`endpoints.${name}`, endpoints[name], schemes),
  );
}

function optionalProblems({ rootCA, radio, account }: JsonObject): string[] {
  const problems = radio === undefined ? [] : urlProblem("radio", radio, ["ws:", "wss:"]);
  if (rootCA !== undefined && !(typeof rootCA === "string" && rootCA.includes("-----BEGIN CERTIFICATE-----")))
    problems.push('"rootCA" holds certificates in PEM, from -----BEGIN CERTIFICATE----- on');
  if (account === undefined) return problems;
  if (!isObject(account) || typeof account.username !== "string" || typeof account.password !== "string")
    problems.push('"account" has "username" and "password"');
  return problems;
}

function urlProblem(field: string, text: unknown, schemes: string[]): string[] {
  const example = `"${field}" is an address that begins with ${schemes.map((scheme) => `${scheme}//`).join(" or ")}`;
  if (typeof text !== "string") return [example];
  try {
    return schemes.includes(new URL(text).protocol) ? [] : [example];
  } catch {
    return [example];
  }
}
