/**
 * Why something in the session with the cloud did not work. `code` is one of the names below, or the code of a TLSError,
 * which is passed through unchanged ("UnknownCA", "Expired", "PeerAlert", ...).
 *
 * | code | meaning | what the session does |
 * |---|---|---|
 * | ResolveFailed | the endpoint's name has no address | tries again |
 * | NoEndpoint | of several endpoints none took a TCP connection in time | tries again |
 * | ConnectTimeout | no TLS connection in time | tries again |
 * | ConnectionClosed | the peer or the network ended the connection | tries again |
 * | Refused | closed instead of CONNACK (AWS does so for a certificate that is unknown, inactive or without policy), or a CONNACK that says no | tries again, state "refused" |
 * | ServerUnavailable | CONNACK return code 3 | tries again |
 * | ConnackTimeout | nothing came back after CONNECT | tries again |
 * | KeepAliveTimeout | no PINGRESP | tries again |
 * | AckTimeout | several repetitions of a packet were not acknowledged | tries again |
 * | InboundStalled | a message waited too long until the application took it, and with it everything behind | tries again |
 * | MalformedPacket | the peer does not speak MQTT 3.1.1 | tries again |
 * | ClientFailed | the MQTT client or the socket threw | tries again |
 * | HandlerFailed | a callback of the application threw | reports it and goes on |
 * | MessageTooLarge | an inbound message was larger than the device takes; it was acknowledged and dropped | reports it and goes on |
 * | SubscriptionRefused | SUBACK 0x80: the policy does not allow the topic filter | reports it and goes on |
 * | InvalidTopic, InvalidClientId, InvalidEndpoint, PayloadTooLarge, TooManySubscriptions | outside the limits of AWS IoT Core | refuses the call |
 * | QueueFull | the outbound queue has no room | refuses the call |
 * | NotConnected | QoS 0 is not queued while there is no connection | refuses the call |
 * | NoGrant | the cloud gave no URL for a picture in time (upload-grants) | gives that picture's upload up |
 * | GrantRefused | the cloud will not give one; its own code is in the message | gives that picture's upload up |
 * | Closed | the session was closed by the application | ends what was waiting |
 */
export class CloudError extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }

  override get name(): string {
    return "CloudError";
  }
}

/** Any error as a CloudError: one that already carries a `code` keeps it. */
export function asCloudError(error: unknown, code: string, message: string): CloudError {
  if (error instanceof CloudError) return error;
  if (!(error instanceof Error)) return new CloudError(code, message);
  const own = (error as Error & { code?: unknown }).code;
  if (typeof own === "string") return new CloudError(own, error.message || message);
  return new CloudError(code, error.message ? `${message}: ${error.message}` : message);
}
