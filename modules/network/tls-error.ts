/**
 * Why a TLS connection could not be made, or ended.
 *
 * Of the server's certificate:
 * - UnknownCA: no path to a root that we trust
 * - BadChain: signed by a certificate that is no authority
 * - NameMismatch: it is for another host; only subjectAltName counts (RFC 9525)
 * - Expired, NotYetValid: at the time that the clock gives
 * - WeakKey: RSA below 2048 bits, a hash below SHA-256, a small curve
 * - BadCertificate: malformed, or not for servers
 *
 * Of the conversation:
 * - PeerAlert: the peer ended it; `alert` says why (RFC 8446, section 6)
 * - ProtocolVersion: no common version from TLS 1.2 on
 * - NoApplicationProtocol: no common ALPN protocol (RFC 7301)
 * - HandshakeFailure, BadRecord: no common cipher, or what came was not what TLS says
 * - HandshakeTimeout: no session after `timeout` milliseconds
 * - ConnectionFailed: no TCP connection
 * - ConnectionClosed: the peer ended the session properly (close_notify); all that it sent has been read
 * - ConnectionLost: the TCP connection ended without that: something may be missing
 *
 * Of this side:
 * - NoTime: the clock is not set, so no certificate can be judged
 * - BadTime: the time that the server told is before the earliest that it can be
 * - BadRoots, BadClientCertificate, BadKey, BadOptions: not usable as given
 * - OutOfMemory, InternalError, CallbackFailed (an exception of the socket's owner, in `cause`)
 */
export type TLSErrorCode =
  | "UnknownCA"
  | "BadChain"
  | "NameMismatch"
  | "Expired"
  | "NotYetValid"
  | "WeakKey"
  | "BadCertificate"
  | "PeerAlert"
  | "ProtocolVersion"
  | "NoApplicationProtocol"
  | "HandshakeFailure"
  | "BadRecord"
  | "HandshakeTimeout"
  | "ConnectionFailed"
  | "ConnectionClosed"
  | "ConnectionLost"
  | "NoTime"
  | "BadTime"
  | "BadRoots"
  | "BadClientCertificate"
  | "BadKey"
  | "BadOptions"
  | "OutOfMemory"
  | "InternalError"
  | "CallbackFailed";

export interface TLSErrorDetails {
  /** The alert that the peer sent. */
  alert?: number;
  /** mbedTLS's number. */
  detail?: number;
  cause?: unknown;
}

export class TLSError extends Error {
  readonly code: TLSErrorCode;
  readonly alert?: number;
  readonly detail?: number;

  constructor(code: TLSErrorCode, host: string, { alert, detail, cause }: TLSErrorDetails = {}) {
    super(`${code} (${host}${alert === undefined ? "" : `, alert ${alert}`})`);
    this.code = code;
    this.alert = alert;
    this.detail = detail || undefined;
    if (cause !== undefined) this.cause = cause;
  }

  override get name(): string {
    return "TLSError";
  }
}
