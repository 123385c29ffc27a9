export type S3Action = "s3:PutObject" | "s3:GetObject" | "s3:DeleteObject" | "s3:ListBucket";

/** A credential that requests may be signed with. */
export interface AccessKey {
  accessKeyId: string;
  secretAccessKey: string;
  /** Temporary credentials (STS): the token that has to be in the request. */
  sessionToken?: string;
  /** When the temporary credentials die; URLs signed with them die too, whatever their own expiry says. */
  expiration?: Date;
  /** What the owner of the key may not do: answered with AccessDenied. */
  deny?: S3Action[];
}
