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

type Request =
  | { action: "claim"; thingName: string; name?: string }
  | { action: "attach"; thingName: string; certificateArn: string }
  | { action: "release"; thingName: string }
  | { action: "list" };

interface Answer {
  requestId: string;
  cameras?: (Omit<BoundCamera, "name"> & { name?: string })[];
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

  /** @throws PhoneCloudError NotYours, NoSuchCamera, BadRequest, TooManyCameras, NoAnswer, NetworkUnavailable; PhoneError Cancelled */
  async ask(request: Request, signal?: AbortSignal): Promise<BoundCamera[]> {
    await this.#listen();
    for (let attempt = 1; ; attempt++) {
      try {
        return camerasOf(await this.#exchange(request, signal));
      } catch (error) {
        const isSilence = error instanceof PhoneCloudError && error.code === "NoAnswer";
        if (!isSilence || attempt === attempts) throw error;
      }
    }
  }

  #exchange(request: Request, signal?: AbortSignal): Promise<Answer> {
    const requestId = randomSuffix();
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

function camerasOf({ cameras = [], error }: Answer): BoundCamera[] {
  if (error) throw new PhoneCloudError(error.code, error.message);
  return cameras.map(({ thingName, name = thingName, since }) => ({ thingName, name, since }));
}
