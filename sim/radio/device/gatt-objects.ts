export type NotifyCallback = (error?: Error) => void;

/** What `this` is in the callbacks of a characteristic, and what `connection.notify` wants. */
export class GATTServerCharacteristic {
  readonly id: number;
  /** Somebody has asked for notifications or indications. */
  subscribed = false;

  constructor(id: number) {
    this.id = id;
  }
}

interface ConnectionActions {
  notify(characteristic: GATTServerCharacteristic, value: ArrayBuffer | Uint8Array, callback?: NotifyCallback): void;
  close(): void;
}

/** A phone that is connected. As on the chip, it can be used until onDisconnect or until its own close(). */
export class GATTServerConnection {
  #actions: ConnectionActions | undefined;
  #maximumWrite: number;

  constructor(maximumWrite: number, actions: ConnectionActions) {
    this.#maximumWrite = maximumWrite;
    this.#actions = actions;
  }

  /** Bytes in one notification or one plain write: ATT MTU less 3. */
  get maximumWrite(): number {
    return this.#maximumWrite;
  }

  /** @throws Error "disabled" when nobody has subscribed. */
  notify(characteristic: GATTServerCharacteristic, value: ArrayBuffer | Uint8Array, callback?: NotifyCallback): void {
    if (!this.#actions) throw new Error("closed");
    this.#actions.notify(characteristic, value, callback);
  }

  /** Ends the link. There is no onDisconnect after it. */
  close(): void {
    const actions = this.#actions;
    this.#actions = undefined;
    actions?.close();
  }

  replyToPasskey(_action: string, _value: number | boolean | ArrayBuffer): void {
    throw new Error("the simulated radio pairs without a passkey");
  }

  /** For the server alone. */
  update(maximumWrite: number): void {
    this.#maximumWrite = maximumWrite;
  }

  /** For the server alone: the link is gone. */
  dispose(): void {
    this.#actions = undefined;
  }
}
