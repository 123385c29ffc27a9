import type { IncomingHttpHeaders } from "node:http";
import { BadRequestError } from "../../certs/local-ca.ts";
import type { ControlPlaneOptions } from "./control-plane.ts";
import type { Certificate, CertificateStatus, Registry } from "./registry.ts";
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
const seconds = (milliseconds: number) => milliseconds / 1000;

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

define("ListCertificates", "GET /certificates", ({ registry }) => ({
  certificates: registry.certificates.map((certificate) => summary(registry, certificate)),
}));

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

define("ListThings", "GET /things", ({ registry }) => ({
  things: registry.things.map(({ thingName, version, attributes }) => {
    return { thingName, thingArn: registry.arn(`thing/${thingName}`), version, attributes };
  }),
}));

define("AttachThingPrincipal", "PUT /things/{thingName}/principals", (call) => {
  call.registry.attachThing(call.parameters.thingName, principal(call));
  return {};
});

define("DetachThingPrincipal", "DELETE /things/{thingName}/principals", (call) => {
  call.registry.detachThing(call.parameters.thingName, principal(call));
  return {};
});

define("ListThingPrincipals", "GET /things/{thingName}/principals", ({ registry, parameters }) => ({
  principals: registry.thing(parameters.thingName).principals,
}));

define("ListPrincipalThings", "GET /principals/things", (call) => ({
  things: call.registry.thingsOf(principal(call)).map(({ thingName }) => thingName),
}));

// Policies

define("CreatePolicy", "POST /policies/{policyName}", ({ registry, parameters, body }) => {
  const { policyName, policyDocument } = registry.createPolicy(parameters.policyName, text(body, "policyDocument"));
  return { policyName, policyArn: registry.arn(`policy/${policyName}`), policyDocument, policyVersionId: "1" };
});

define("GetPolicy", "GET /policies/{policyName}", ({ registry, parameters }) => {
  const { policyName, policyDocument, createdAt } = registry.policy(parameters.policyName);
  return {
    policyName,
    policyArn: registry.arn(`policy/${policyName}`),
    policyDocument,
    defaultVersionId: "1",
    creationDate: seconds(createdAt),
    lastModifiedDate: seconds(createdAt),
  };
});

define("DeletePolicy", "DELETE /policies/{policyName}", ({ registry, parameters }) => {
  registry.deletePolicy(parameters.policyName);
  return {};
});

define("ListPolicies", "GET /policies", ({ registry }) => ({
  policies: registry.policies.map(({ policyName }) => ({
    policyName,
    policyArn: registry.arn(`policy/${policyName}`),
  })),
}));

define("AttachPolicy", "PUT /target-policies/{policyName}", ({ registry, parameters, body }) => {
  registry.attachPolicy(parameters.policyName, text(body, "target"));
  return {};
});

define("DetachPolicy", "POST /target-policies/{policyName}", ({ registry, parameters, body }) => {
  registry.detachPolicy(parameters.policyName, text(body, "target"));
  return {};
});

define("ListAttachedPolicies", "POST /attached-policies/{target}", ({ registry, parameters }) => ({
  policies: registry.policiesOf(parameters.target).map((policyName) => {
    return { policyName, policyArn: registry.arn(`policy/${policyName}`) };
  }),
}));

define("ListTargetsForPolicy", "POST /policy-targets/{policyName}", ({ registry, parameters }) => {
  registry.policy(parameters.policyName);
  return { targets: registry.targetsOf(parameters.policyName) };
});
