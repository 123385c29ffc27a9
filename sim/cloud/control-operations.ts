import { X509Certificate } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { BadRequestError } from "../../certs/local-ca.ts";
import type { ControlPlaneOptions } from "./control-plane.ts";
import { keyByTime, pageOf } from "./paging.ts";
import { type Certificate, type CertificateStatus, certificateIdOf, type Registry, type Thing } from "./registry.ts";
import { RegistryError } from "./registry-error.ts";

interface Call {
  registry: Registry;
  cloud: ControlPlaneOptions;
  /** Of the path, decoded. */
  parameters: Record<string, string>;
  query: URLSearchParams;
  headers: IncomingHttpHeaders;
  body: Record<string, unknown>;
}

export interface Operation {
  name: string;
  run(call: Call): object | Promise<object>;
}

interface Route extends Operation {
  method: string;
  /** Segments; `{name}` takes any. */
  path: string[];
}

const routes: Route[] = [];

/** Method, path and names as in the API model `iot`. */
export function define(name: string, methodAndPath: string, run: Operation["run"]): void {
  const [method, path] = methodAndPath.split(" ");
  routes.push({ name, method, path: path.split("/"), run });
}

/** @throws RegistryError UnknownOperationException */
export function findOperation(method: string, pathname: string) {
  const segments = pathname.split("/");
  for (const route of routes) {
    const parameters = route.method === method ? match(route.path, segments) : undefined;
    if (parameters) return { operation: route as Operation, parameters };
  }
  throw new RegistryError("UnknownOperationException", `${method} ${pathname} is not served here`);
}

function match(path: string[], segments: string[]): Record<string, string> | undefined {
  if (path.length !== segments.length) return undefined;
  const parameters: Record<string, string> = {};
  for (let i = 0; i < path.length; i += 1) {
    const name = /^\{(.*)\}$/.exec(path[i])?.[1];
    if (name) parameters[name] = decodeURIComponent(segments[i]);
    else if (path[i] !== segments[i]) return undefined;
  }
  return parameters;
}

export function text(body: Record<string, unknown>, name: string): string {
  const value = body[name];
  if (typeof value !== "string" || !value) throw new RegistryError("InvalidRequestException", `${name} is missing`);
  return value;
}

function principal({ headers }: Call): string {
  const value = headers["x-amzn-principal"];
  if (typeof value !== "string") throw new RegistryError("InvalidRequestException", "x-amzn-principal is missing");
  return value;
}

/** Timestamps are seconds since 1970 in this protocol. */
export const seconds = (milliseconds: number) => milliseconds / 1000;

function summary(registry: Registry, { certificateId, status, createdAt }: Certificate): object {
  return {
    certificateArn: registry.arn(`cert/${certificateId}`),
    certificateId,
    status,
    creationDate: seconds(createdAt),
  };
}

// Endpoint

define("DescribeEndpoint", "GET /endpoint", ({ cloud, query }) => {
  const type = query.get("endpointType") ?? "iot:Data";
  if (type === "iot:Jobs") return { endpointAddress: cloud.jobsEndpoint };
  if (type !== "iot:Data" && type !== "iot:Data-ATS")
    throw new RegistryError("InvalidRequestException", `endpoint type ${type} is not served here`);
  return { endpointAddress: cloud.endpoint };
});

// Certificates

define("CreateCertificateFromCsr", "POST /certificates", async ({ registry, cloud, query, body }) => {
  const csr = text(body, "certificateSigningRequest");
  let certificatePem: string;
  try {
    certificatePem = await cloud.signRequest(csr);
  } catch (error) {
    if (!(error instanceof BadRequestError)) throw error;
    throw new RegistryError(
      "InvalidRequestException",
      `the certificate signing request is not valid: ${error.message}`,
    );
  }
  const status = query.get("setAsActive") === "true" ? "ACTIVE" : "INACTIVE";
  const { certificateId } = registry.addCertificate(certificatePem, status);
  return { certificateArn: registry.arn(`cert/${certificateId}`), certificateId, certificatePem };
});

/** For a certificate that another region (or another authority) has made. */
define("RegisterCertificateWithoutCA", "POST /certificate/register-no-ca", ({ registry, body }) => {
  const pem = text(body, "certificatePem");
  const status = body.status ?? "INACTIVE";
  if (status !== "ACTIVE" && status !== "INACTIVE")
    throw new RegistryError("InvalidRequestException", `status ${status} is not one that can be set`);
  let certificateId: string;
  try {
    certificateId = certificateIdOf(new X509Certificate(pem).raw);
  } catch {
    throw new RegistryError("CertificateValidationException", "the certificate cannot be read");
  }
  if (registry.findCertificate(certificateId))
    throw new RegistryError("ResourceAlreadyExistsException", "The certificate is already registered.", {
      resourceId: certificateId,
      resourceArn: registry.arn(`cert/${certificateId}`),
    });
  registry.addCertificate(pem, status);
  return { certificateArn: registry.arn(`cert/${certificateId}`), certificateId };
});

define("DescribeCertificate", "GET /certificates/{certificateId}", ({ registry, parameters }) => {
  const certificate = registry.certificate(parameters.certificateId);
  return {
    certificateDescription: {
      ...summary(registry, certificate),
      certificatePem: certificate.certificatePem,
      lastModifiedDate: seconds(certificate.modifiedAt),
      ownedBy: registry.accountId,
      certificateMode: "DEFAULT",
    },
  };
});

define("UpdateCertificate", "PUT /certificates/{certificateId}", ({ registry, cloud, parameters, query }) => {
  const status = query.get("newStatus") as CertificateStatus | null;
  if (status !== "ACTIVE" && status !== "INACTIVE" && status !== "REVOKED")
    throw new RegistryError("InvalidRequestException", `newStatus ${status} is not one that can be set`);
  registry.setCertificateStatus(parameters.certificateId, status);
  cloud.onCertificateChanged();
  return {};
});

define("DeleteCertificate", "DELETE /certificates/{certificateId}", ({ registry, parameters, query }) => {
  registry.deleteCertificate(parameters.certificateId, query.get("forceDelete") === "true");
  return {};
});

define("ListCertificates", "GET /certificates", ({ registry, query }) => {
  const keyOf = ({ certificateId, createdAt }: Certificate) => keyByTime(createdAt, certificateId);
  const { items, next } = pageOf(registry.certificates, query, { keyOf, style: "pageSize", descending: true });
  return { certificates: items.map((certificate) => summary(registry, certificate)), nextMarker: next };
});

// Things

define("CreateThing", "POST /things/{thingName}", ({ registry, parameters, body }) => {
  const attributes = (body.attributePayload as { attributes?: Record<string, string> } | undefined)?.attributes ?? {};
  const { thingName, thingId } = registry.createThing(parameters.thingName, attributes);
  return { thingName, thingArn: registry.arn(`thing/${thingName}`), thingId };
});

define("DescribeThing", "GET /things/{thingName}", ({ registry, parameters }) => {
  const { thingName, thingId, version, attributes } = registry.thing(parameters.thingName);
  const thingArn = registry.arn(`thing/${thingName}`);
  return { thingName, thingId, thingArn, defaultClientId: thingName, version, attributes };
});

define("DeleteThing", "DELETE /things/{thingName}", ({ registry, parameters }) => {
  registry.deleteThing(parameters.thingName);
  return {};
});

define("UpdateThing", "PATCH /things/{thingName}", ({ registry, parameters, body }) => {
  const { attributePayload, expectedVersion } = body as {
    attributePayload?: { attributes?: Record<string, string>; merge?: boolean };
    expectedVersion?: number;
  };
  registry.updateThing(parameters.thingName, { ...attributePayload, expectedVersion });
  return {};
});

define("ListThings", "GET /things", ({ registry, query }) => {
  const [name, value] = [query.get("attributeName"), query.get("attributeValue")];
  const fits = ({ attributes }: Thing) =>
    name === null || (Object.hasOwn(attributes, name) && (value === null || attributes[name] === value));
  const chosen = registry.things.filter(fits);
  const { items, next } = pageOf(chosen, query, { keyOf: ({ thingName }) => thingName });
  const things = items.map(({ thingName, version, attributes }) => {
    return { thingName, thingArn: registry.arn(`thing/${thingName}`), version, attributes };
  });
  return { things, nextToken: next };
});

define("AttachThingPrincipal", "PUT /things/{thingName}/principals", (call) => {
  call.registry.attachThing(call.parameters.thingName, principal(call));
  return {};
});

define("DetachThingPrincipal", "DELETE /things/{thingName}/principals", (call) => {
  call.registry.detachThing(call.parameters.thingName, principal(call));
  return {};
});

define("ListThingPrincipals", "GET /things/{thingName}/principals", ({ registry, parameters, query }) => {
  const { principals } = registry.thing(parameters.thingName);
  const { items, next } = pageOf(principals, query, { keyOf: (arn) => arn });
  return { principals: items, nextToken: next };
});

define("ListPrincipalThings", "GET /principals/things", (call) => {
  const names = call.registry.thingsOf(principal(call)).map(({ thingName }) => thingName);
  const { items, next } = pageOf(names, call.query, { keyOf: (name) => name });
  return { things: items, nextToken: next };
});
