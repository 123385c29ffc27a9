import { CloudError } from "./cloud-error";

/** Where the broker listens. */
export interface Endpoint {
  host: string;
  port: number;
  /** What TLS must offer and the server must choose, if anything (RFC 7301). */
  applicationLayerProtocolNegotiation?: string[];
}

/** MQTT with a client certificate: port 8883, or 443 with this protocol name (AWS IoT guide, "Device communication protocols"). */
const mqttPort = 8883;
const httpsPort = 443;
const mqttOverHTTPSPort = "x-amzn-mqtt-ca";

/**
 * `host` or `host:port`, as in `a1b2c3-ats.iot.eu-west-1.amazonaws.com:443`. The host goes into TLS as server name (SNI) as it is
 * written here, so it is kept whole; IPv6 literals are not used for brokers and not taken.
 *
 * @throws CloudError InvalidEndpoint
 */
export function parseEndpoint(text: string): Endpoint {
  const [host, digits = String(mqttPort), ...rest] = text.split(":");
  const port = /^\d{1,5}$/.test(digits) ? Number(digits) : 0;
  if (rest.length || !/^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$/.test(host) || host.length > 253)
    throw new CloudError("InvalidEndpoint", "endpoint is not host or host:port");
  if (port < 1 || port > 0xffff) throw new CloudError("InvalidEndpoint", "the endpoint's port is not 1 to 65535");
  if (port !== httpsPort) return { host, port };
  return { host, port, applicationLayerProtocolNegotiation: [mqttOverHTTPSPort] };
}
