import { asCloudError, CloudError } from "./cloud-error";

/** ECMA-419 name look-up (`embedded:network/dns/resolver/udp`). */
export interface Resolver {
  resolve(options: {
    host: string;
    onResolved(host: string, address: string): void;
    onError(error?: unknown): void;
  }): void;
  close?(): void;
}

export interface ResolverOptions {
  io: new (options: never) => Resolver;
  [option: string]: unknown;
}

export interface ResolverWatcher {
  /** No answer is wanted any more. */
  isClosed(): boolean;
  /** A look-up begins; `close()` of this guard gives it up. */
  onResolving(guard: GuardResolver): void;
  onResolved(): void;
  onError(error: CloudError): void;
}

/** The `dns` option of the MQTT client: `new options.dns.io(options.dns)`. */
export interface GuardResolverOptions {
  resolver: ResolverOptions;
  watcher: ResolverWatcher;
}

/**
 * Between the MQTT client and the resolver: the SDK's client does not survive an answer that comes after its `close()`, and
 * does not say that a name was not found.
 */
export class GuardResolver {
  #watcher: ResolverWatcher;
  #resolver?: Resolver;

  constructor(options: GuardResolverOptions) {
    this.#watcher = options.watcher;
    this.#resolver = new options.resolver.io(options.resolver as never);
  }

  resolve({ host, onResolved }: { host: string; onResolved(host: string, address: string): void }): void {
    this.#watcher.onResolving(this);
    this.#resolver?.resolve({
      host,
      onResolved: (name, address) => {
        if (this.#watcher.isClosed()) return;
        this.#watcher.onResolved();
        try {
          onResolved(name, address);
        } catch (error) {
          this.#watcher.onError(asCloudError(error, "ClientFailed", "the MQTT client failed"));
        }
        this.close();
      },
      onError: () => {
        if (!this.#watcher.isClosed()) this.#watcher.onError(new CloudError("ResolveFailed", `${host} has no address`));
        this.close();
      },
    });
  }

  /** Gives the look-up up, and with it what it holds. May be called more than once. */
  close(): void {
    try {
      this.#resolver?.close?.();
    } catch {
      // It has done its work.
    }
    this.#resolver = undefined;
  }
}
