/**
 * Where the person is, kept in the hash of the address: reload and the back button work, and nothing of it goes to a server.
 * Routes are names of screens with at most one argument: "#/camera/camera-A1B2C3".
 */
export interface Route {
  screen: string;
  argument?: string;
}

export function readRoute(hash = location.hash): Route {
  const [screen = "", argument] = hash.replace(/^#\/?/, "").split("/");
  return { screen, argument: argument === undefined ? undefined : decode(argument) };
}

export const toHash = (screen: string, argument?: string) =>
  argument === undefined ? `#/${screen}` : `#/${screen}/${encodeURIComponent(argument)}`;

/** Goes to a screen; with `replace` the back button does not come back to where the person was. */
export function go(screen: string, argument?: string, { replace = false } = {}): void {
  const hash = toHash(screen, argument);
  if (hash === location.hash) window.dispatchEvent(new HashChangeEvent("hashchange"));
  else if (replace) location.replace(hash);
  else location.hash = hash;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
