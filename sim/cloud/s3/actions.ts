import type { Principal } from "../credentials.ts";

export type S3Action =
  | "s3:PutObject"
  | "s3:GetObject"
  | "s3:DeleteObject"
  | "s3:ListBucket"
  | "s3:GetBucketLocation"
  | "s3:ListAllMyBuckets";

/** What somebody wants to do. */
export interface S3ActionRequest {
  principal: Principal;
  action: S3Action;
  /** Empty for all of them. */
  bucket: string;
  /** Empty for the bucket itself. */
  key: string;
  query: URLSearchParams;
}
