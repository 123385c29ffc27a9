import { PhoneCloudError } from "./cloud-errors.ts";
import { type MqttConnection, randomSuffix } from "./mqtt-connection.ts";
import { PendingAnswers } from "./pending-answers.ts";

export interface BoundCamera {
  thingName: string;
  /** What the person calls it; the thing's name when there is no other. */
  name: string;
  /** Milliseconds since 1970. */
  since: number;
}

/** What the camera answers to ProveOwnership; base64 of DER. */
export interface CameraProof {
  publicKey: string;
  signature: string;
}

export interface Claim {
  thingName: string;
  name?: string;
  /** Request for a certificate, PEM; signed over, if there is a proof. */
  csr?: string;
}

/** What the camera has to be told, to connect. */
export interface CameraCertificate {
  certificateArn: string;
  certPem: string;
}

type Request =
  | { action: "challenge" }
  | ({ action: "claim" } & Claim & Partial<CameraProof> & { nonce?: string })
  | { action: "attach"; thingName: string; certificateArn: string }
  | { action: "release"; thingName: string }
  | { action: "list" };

interface Answer {
  requestId: string;
  cameras?: (Omit<BoundCamera, "name"> & { name?: string })[];
  certificate?: CameraCertificate;
  nonce?: string;
  error?: { code: string; message: string };
}

/** Milliseconds; the function may have to be woken first. */
const answerLimit = 12_000;
const attempts = 2;

/**
 * Who owns which camera: asks the binding function (sim/cloud/bindings) over `users/<identityId>/cameras/`. What it is asked may be asked
 * again: an answer that got lost is no harm.
 */
export class CameraBindings {
  #connection: MqttConnection;
  #topics: { request: string; answer: string };
  #pending = new PendingAnswers<Answer>();
  #listening?: Promise<unknown>;

  constructor(connection: MqttConnection, identityId: string) {
    this.#connection = connection;
    const root = `users/${identityId}/cameras`;
    this.#topics = { request: `${root}/request`, answer: `${root}/answer` };
  }

  /** @throws PhoneCloudError NotYours, NoSuchCamera, BadRequest, NoAnswer, NetworkUnavailable; PhoneError Cancelled */
  async ask(request: Request, signal?: AbortSignal): Promise<BoundCamera[]> {
    return camerasOf(await this.#answer(request, signal));
  }

  /** What a claim has to be signed with; good for one, and for some minutes. */
  async challenge(signal?: AbortSignal): Promise<string> {
    const { nonce } = await this.#answer({ action: "challenge" }, signal);
    if (!nonce) throw new PhoneCloudError("NoAnswer", "the cloud gave no nonce");
    return nonce;
  }

  /**
   * @param proof without it only one's own camera, or one that cannot sign
   * @throws PhoneCloudError NotYours, NotProven, StaleNonce, TooManyCameras, BadRequest, NoAnswer, NetworkUnavailable; PhoneError Cancelled
   */
  async claim(
    claim: Claim,
    proof?: CameraProof & { nonce: string },
    signal?: AbortSignal,
  ): Promise<{ camera?: BoundCamera; certificate?: CameraCertificate }> {
    const { thingName, name, csr } = claim;
    const { publicKey, signature, nonce } = proof ?? {};
    const request = { action: "claim", thingName, name, csr, publicKey, signature, nonce } as const;
    const answer = await this.#answer(request, signal);
    return { camera: camerasOf(answer)[0], certificate: answer.certificate };
  }

  /** A repetition is the same request: the function may have been slow, not deaf. */
  async #answer(request: Request, signal?: AbortSignal): Promise<Answer> {
    await this.#listen();
    const requestId = randomSuffix();
    for (let attempt = 1; ; attempt++) {
      try {
        const answer = await this.#exchange(requestId, request, signal);
        const { error } = answer;
        if (error) throw new PhoneCloudError(error.code, error.message);
        return answer;
      } catch (error) {
        const isSilence = error instanceof PhoneCloudError && error.code === "NoAnswer";
        if (!isSilence || attempt === attempts) throw error;
      }
    }
  }

  #exchange(requestId: string, request: Request, signal?: AbortSignal): Promise<Answer> {
    const send = () => this.#connection.publish(this.#topics.request, { requestId, ...request }, signal);
    const late = () => new PhoneCloudError("NoAnswer", `nobody answered the request to ${request.action}`);
    return this.#pending.ask(requestId, send, { timeout: answerLimit, late, signal });
  }

  #listen(): Promise<unknown> {
    const onMessage = (_: string, message: unknown) => {
      const answer = message as Answer | undefined;
      if (answer) this.#pending.answer(answer.requestId, answer);
    };
    this.#listening ??= this.#connection.subscribe([this.#topics.answer], onMessage).catch((error) => {
      this.#listening = undefined;
      throw error;
    });
    return this.#listening;
  }
}

function camerasOf({ cameras = [] }: Answer): BoundCamera[] {
  return cameras.map(({ thingName, name = thingName, since }) => ({ thingName, name, since }));
}
