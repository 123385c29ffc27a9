import type { PolicyVersion } from "./policy-versions.ts";

export type CertificateStatus = "ACTIVE" | "INACTIVE" | "REVOKED" | "PENDING_ACTIVATION";

export interface Thing {
  thingName: string;
  thingId: string;
  version: number;
  attributes: Record<string, string>;
  /** ARNs of certificates. */
  principals: string[];
}

export interface Certificate {
  /** SHA-256 of the DER, hexadecimal, as in AWS IoT. */
  certificateId: string;
  certificatePem: string;
  status: CertificateStatus;
  /** Milliseconds since 1970. */
  createdAt: number;
  modifiedAt: number;
  /** Names of policies. */
  policies: string[];
}

export interface Policy {
  policyName: string;
  /** That of the default version. */
  policyDocument: string;
  createdAt: number;
  /** All of them, once there was a second one. */
  versions?: PolicyVersion[];
  defaultVersionId?: string;
  /** Number of the newest version that there has been. */
  lastVersion?: number;
}
