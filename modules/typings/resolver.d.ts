/** Name look-up. The published typings give the callbacks another shape than the SDK's class has. */
declare module "embedded:network/dns/resolver/udp" {
  export interface Request {
    host: string;
    onResolved(host: string, address: string): void;
    onError(host?: unknown): void;
  }

  export default class Resolver {
    constructor(options: object);
    resolve(request: Request): void;
    close(): void;
  }
}
