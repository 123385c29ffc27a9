/** IoT guide, "Lifecycle events". */
export type DisconnectReason =
  | "AUTH_ERROR"
  | "CLIENT_INITIATED_DISCONNECT"
  | "CLIENT_ERROR"
  | "CONNECTION_LOST"
  | "DUPLICATE_CLIENTID"
  | "FORBIDDEN_ACCESS"
  | "MQTT_KEEP_ALIVE_TIMEOUT"
  | "SERVER_INITIATED_DISCONNECT"
  | "API_INITIATED_DISCONNECT"
  | "WEBSOCKET_TTL_EXPIRATION";

export interface IotEvents {
  connect: [
    event: {
      clientId: string;
      /** Of a device, */
      certificateId?: string;
      /** or of a person. The administrator has neither. */
      identityId?: string;
      keepAlive: number;
      clean: boolean;
      sessionPresent: boolean;
    },
  ];
  /** A CONNECT that was answered by closing. */
  refuse: [event: { clientId: string; certificateId?: string; identityId?: string; reason: string }];
  disconnect: [event: { clientId: string; reason: DisconnectReason; detail?: string }];
  subscribe: [event: { clientId: string; filters: { topic: string; QoS: number; granted: boolean }[] }];
  /** `clientId` is undefined for what the cloud itself has published. */
  publish: [event: { clientId?: string; topic: string; payload: Buffer; QoS: number; retain: boolean }];
  /** A PUBACK of a device. */
  acknowledge: [event: { clientId: string; topic: string }];
}
