import type { Account } from "./account.ts";
import type { Registrar } from "./camera-owner.ts";
import type { CloudSettings } from "./cloud-settings.ts";
import { Emitter } from "./emitter.ts";
import type { Gallery } from "./gallery.ts";
import type { LiveCamera } from "./live-camera.ts";
import type { CloudOptions } from "./transport.ts";

export interface BoundCamera {
  thingName: string;
  /** What the person calls it. */
  name: string;
  /** Milliseconds since 1970. */
  since: number;
}

export interface PhoneCloudEvents {
  /** Of the MQTT connection; `error` is why it was lost or cannot be made. */
  connection: { state: "offline" | "connecting" | "online"; error?: Error };
}

/** The cloud as one signed-in person sees it. */
export declare class PhoneCloud extends Emitter<PhoneCloudEvents> {
  constructor(account: Account, settings: CloudSettings, options?: CloudOptions);
  readonly account: Account;
  readonly settings: CloudSettings;
  readonly connection: "offline" | "connecting" | "online";
  readonly gallery: Gallery;
  /** Registering for CameraOwner; claims, makes the certificate and attaches it. */
  readonly registrar: Registrar;
  /** Attaches the phone's own policy and opens the MQTT connection, which from then on mends itself. @throws AccountError, PhoneCloudError */
  connect(): Promise<void>;
  /** Binds a camera to this person. Again for one's own: no harm, and a new name. @throws PhoneCloudError NotYours, TooManyCameras */
  claim(thingName: string, name?: string, options?: { signal?: AbortSignal }): Promise<BoundCamera>;
  /** A certificate for one's own camera; older ones are deactivated. @throws PhoneCloudError NotYours, NoSuchCamera */
  attach(thingName: string, certificateArn: string, options?: { signal?: AbortSignal }): Promise<void>;
  /** The camera may be claimed by anybody then; its certificates are dead. @throws PhoneCloudError NotYours, NoSuchCamera */
  release(thingName: string): Promise<void>;
  /** One's own. */
  cameras(): Promise<BoundCamera[]>;
  /** A certificate for a request (PKCS #10, PEM). @throws PhoneCloudError */
  createCertificate(csrPem: string): Promise<{ certificateArn: string; certPem: string }>;
  /** Where cameras connect to. */
  deviceEndpoint(): Promise<string>;
  /** A URL for one PUT of image/jpeg by the camera; a credential. @param expiresIn seconds, default and limit 3600 */
  presignPhoto(request: { thingName: string; imageId: string; expiresIn?: number }): Promise<string>;
  /** The same one for the same name, until close(). */
  live(thingName: string): LiveCamera;
  close(): Promise<void>;
}
