export type NotifyCallback = (error?: Error) => void;

type Value = ArrayBuffer | Uint8Array;

export interface DescriptorCallbacks {
  onRead?(connection: GATTServerConnection): Value;
  onWrite?(value: ArrayBuffer, connection: GATTServerConnection): void;
}

export interface CharacteristicCallbacks {
  onRead?(this: GATTServerCharacteristic, connection: GATTServerConnection): Value;
  onWrite?(this: GATTServerCharacteristic, value: ArrayBuffer, connection: GATTServerConnection): void;
  onSubscribe?(this: GATTServerCharacteristic, connection: GATTServerConnection): void;
  onUnsubscribe?(this: GATTServerCharacteristic, connection: GATTServerConnection): void;
}

/** What `this` is in the callbacks of a characteristic, and what `connection.notify` wants. */
export class GATTServerCharacteristic {
  readonly id: number;
  /** Somebody has asked for notifications or indications. */
  subscribed = false;
  #onRead: CharacteristicCallbacks["onRead"];
  #onWrite: CharacteristicCallbacks["onWrite"];
  #onSubscribe: CharacteristicCallbacks["onSubscribe"];
  #onUnsubscribe: CharacteristicCallbacks["onUnsubscribe"];
  #descriptors: DescriptorCallbacks[] | undefined;

  constructor(id: number, callbacks: CharacteristicCallbacks) {
    this.id = id;
    this.#onRead = callbacks.onRead;
    this.#onWrite = callbacks.onWrite;
    this.#onSubscribe = callbacks.onSubscribe;
    this.#onUnsubscribe = callbacks.onUnsubscribe;
  }

  addDescriptor(index: number, callbacks: DescriptorCallbacks): void {
    this.#descriptors ??= [];
    this.#descriptors[index] = callbacks;
  }

  /** @returns undefined when there is nobody to ask; what a callback throws is thrown */
  read(connection: GATTServerConnection): Value | undefined {
    return this.#onRead?.call(this, connection);
  }

  write(value: ArrayBuffer, connection: GATTServerConnection): boolean {
    this.#onWrite?.call(this, value, connection);
    return this.#onWrite !== undefined;
  }

  readDescriptor(index: number, connection: GATTServerConnection): Value | undefined {
    return this.#descriptors?.[index]?.onRead?.(connection);
  }

  writeDescriptor(index: number, value: ArrayBuffer, connection: GATTServerConnection): boolean {
    const onWrite = this.#descriptors?.[index]?.onWrite;
    onWrite?.(value, connection);
    return onWrite !== undefined;
  }

  subscribe(on: boolean, connection: GATTServerConnection): void {
    this.subscribed = on;
    if (on) this.#onSubscribe?.call(this, connection);
    else this.#onUnsubscribe?.call(this, connection);
  }
}

/** What a connection asks of its server. */
export interface ConnectionServer {
  notifyPeer(number: number, characteristic: GATTServerCharacteristic, value: Value, callback?: NotifyCallback): void;
  closePeer(number: number): void;
}

/** A phone that is connected. As on the chip, it can be used until onDisconnect or until its own close(). */
export class GATTServerConnection {
  #server: ConnectionServer | undefined;
  #number: number;
  #maximumWrite: number;

  constructor(server: ConnectionServer, number: number, maximumWrite: number) {
    this.#server = server;
    this.#number = number;
    this.#maximumWrite = maximumWrite;
  }

  /** Bytes in one notification or one plain write: ATT MTU less 3. */
  get maximumWrite(): number {
    return this.#maximumWrite;
  }

  /** @throws Error "disabled" when nobody has subscribed. */
  notify(characteristic: GATTServerCharacteristic, value: Value, callback?: NotifyCallback): void {
    if (!this.#server) throw new Error("closed");
    this.#server.notifyPeer(this.#number, characteristic, value, callback);
  }

  /** Ends the link. There is no onDisconnect after it. */
  close(): void {
    const server = this.#server;
    this.#server = undefined;
    server?.closePeer(this.#number);
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
    this.#server = undefined;
  }
}
