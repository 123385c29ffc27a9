import Timer from "timer";

/**
 * The Moddable SDK's look-up of names by the system: lwIP with the DNS servers that DHCP gave (the chip), the desktop's own
 * resolver (Moddable simulator). Answers one address as text, or undefined.
 */
declare const System: { resolve(name: string, callback: (name: string, address?: string) => void): void };

interface Request {
  host: string;
  onResolved?(host: string, address: string): void;
  onError?(host: string): void;
}

/**
 * Resolver of ECMA-419's shape (`embedded:network/dns/resolver/udp`) over the system's own look-up, in place of the SDK's, which
 * asks fixed servers over UDP: many networks let nobody but their own DNS servers answer.
 * `localhost` and the names below it are loopback (RFC 6761, section 6.3); IPv4 literals are answered as they are.
 * Answers never come from within resolve(). A look-up is bounded by the system (lwIP: four tries a server).
 */
class SystemResolver {
  #closed = false;

  /** Servers that the options may name are not asked: the system has its own. */
  // biome-ignore lint/complexity/noUselessConstructor: it is made with options, as any other resolver
  constructor(_options?: object) {}

  resolve(request: Request): void {
    const host = String(request.host);
    const known = knownAddress(host);
    if (known) Timer.set(() => this.answer(request, host, known));
    else System.resolve(host, (_name, address) => this.answer(request, host, address));
  }

  close(): void {
    this.#closed = true;
  }

  private answer(request: Request, host: string, address: string | undefined): void {
    if (this.#closed) return;
    if (address) request.onResolved?.(host, address);
    else request.onError?.(host);
  }
}

function knownAddress(host: string): string | undefined {
  if (host === "localhost" || host.endsWith(".localhost")) return "127.0.0.1";
  return /^(\d{1,3})(\.\d{1,3}){3}$/.test(host) ? host : undefined;
}

export default SystemResolver;
