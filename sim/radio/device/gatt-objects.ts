export type NotifyCallback = (error?: Error) => void;

type Value = ArrayBuffer | Uint8Array;

export interface DescriptorOptions {
  uuid: string;
  value?: Value;
  onRead?(connection: GATTServerConnection): Value;
  onWrite?(value: ArrayBuffer, connection: GATTServerConnection): void;
}

export interface CharacteristicOptions {
  uuid: string;
  properties?: number;
  value?: Value;
  descriptors?: DescriptorOptions[];
  onRead?(this: GATTServerCharacteristic, connection: GATTServerConnection): Value;
  onWrite?(this: GATTServerCharacteristic, value: ArrayBuffer, connection: GATTServerConnection): void;
  onSubscribe?(this: GATTServerCharacteristic, connection: GATTServerConnection): void;
  onUnsubscribe?(this: GATTServerCharacteristic, connection: GATTServerConnection): void;
}

export interface ServiceOptions {
  uuid: string;
  characteristics?: CharacteristicOptions[];
}

/** What `this` is in the callbacks of a characteristic, and what `connection.notify` wants. */
export class GATTServerCharacteristic {
  readonly id: number;
  /** Somebody has asked for notifications or indications. */
  subscribed = false;
  #options: CharacteristicOptions;

  constructor(id: number, options: CharacteristicOptions) {
    this.id = id;
    this.#options = options;
  }

  /** @returns undefined when there is nobody to ask; what a callback throws is thrown */
  read(connection: GATTServerConnection): Value | undefined {
    return this.#options.onRead?.call(this, connection);
  }

  write(value: ArrayBuffer, connection: GATTServerConnection): boolean {
    const { onWrite } = this.#options;
    onWrite?.call(this, value, connection);
    return onWrite !== undefined;
  }

  readDescriptor(index: number, connection: GATTServerConnection): Value | undefined {
    return this.#options.descriptors?.[index]?.onRead?.(connection);
  }

  writeDescriptor(index: number, value: ArrayBuffer, connection: GATTServerConnection): boolean {
    const onWrite = this.#options.descriptors?.[index]?.onWrite;
    onWrite?.(value, connection);
    return onWrite !== undefined;
  }

  subscribe(on: boolean, connection: GATTServerConnection): void {
    this.subscribed = on;
    const { onSubscribe, onUnsubscribe } = this.#options;
    (on ? onSubscribe : onUnsubscribe)?.call(this, connection);
  }
}

/** What a connection asks of its server. */
export interface ConnectionServer {
  notifyPeer(
    connection: number,
    characteristic: GATTServerCharacteristic,
    value: Value,
    callback?: NotifyCallback,
  ): void;
  closePeer(connection: number): void;
  endPeer(connection: number): void;
}

/** A phone that is connected. As on the chip, it can be used until onDisconnect or until its own close(). */
export class GATTServerConnection {
  /** Among the connections of its server; for the server alone. */
  readonly number: number;
  #server: ConnectionServer | undefined;
  #maximumWrite: number;

  constructor(server: ConnectionServer, number: number, maximumWrite: number) {
    this.number = number;
    this.#server = server;
    this.#maximumWrite = maximumWrite;
  }

  /** Bytes in one notification or one plain write: ATT MTU less 3. */
  get maximumWrite(): number {
    return this.#maximumWrite;
  }

  /** @throws Error "disabled" when nobody has subscribed. */
  notify(characteristic: GATTServerCharacteristic, value: Value, callback?: NotifyCallback): void {
    if (!this.#server) throw new Error("closed");
    this.#server.notifyPeer(this.number, characteristic, value, callback);
  }

  /** Ends the link. There is no onDisconnect after it. */
  close(): void {
    const server = this.#server;
    this.#server = undefined;
    server?.closePeer(this.number);
  }

  /** Not in the SDK: for embedded/end-link. The link ends, and then there is onDisconnect. */
  end(): void {
    this.#server?.endPeer(this.number);
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
