import { createServer, type Server } from "node:https";
import { createSecureContext, type SecureContext } from "node:tls";
import type { KeyType, LocalCA } from "../../../certs/local-ca.ts";
import { keepAliveTimeout } from "../keep-alive.ts";
import { isOwnHost } from "./address.ts";

/** A certificate for each name that is asked for: wildcards right below a top-level name are refused by most clients. */
export async function createTLSServer(ca: LocalCA, keyType?: KeyType): Promise<Server> {
  const contexts = new Map<string, Promise<SecureContext>>();
  const contextFor = (name: string): Promise<SecureContext> => {
    const known = contexts.get(name);
    if (known) return known;
    const made = ca
      .issueServer({ names: [name], keyType })
      .then(({ keyPem, chainPem }) => createSecureContext({ key: keyPem, cert: chainPem }));
    contexts.set(name, made);
    return made;
  };
  const { keyPem, chainPem } = await ca.issueServer({ names: ["localhost", "127.0.0.1"], keyType });
  return createServer({
    key: keyPem,
    cert: chainPem,
    allowHalfOpen: true,
    keepAliveTimeout,
    SNICallback: (name, done) => {
      if (!isOwnHost(name) || contexts.size > 1000) done(null);
      else contextFor(name).then((context) => done(null, context), done);
    },
  } as Parameters<typeof createServer>[0]);
}
