class Lookup @ "xs_host_lookup_destructor" {
  constructor(host, callback) @ "xs_host_lookup";
  close() @ "xs_host_lookup_close";
}

/**
 * Name look-up with the interface of the SDK's DNS resolver; the operating system does the work, so `servers` and `socket` are ignored.
 * `localhost` and names under it are loopback, names under `invalid` do not exist, both without a query (RFC 6761, section 6).
 */
class Resolver {
  #lookups = new Set();

  constructor() {}

  close() {
    for (const lookup of this.#lookups) lookup.close();
    this.#lookups.clear();
  }

  resolve({ host, onResolved, onError }) {
    const lookup = new Lookup(host, (address) => {
      this.#lookups.delete(lookup);
      lookup.close();
      if (address) onResolved?.call(this, host, address);
      else onError?.call(this, new Error("not found"));
    });
    this.#lookups.add(lookup);
  }
}

export default Resolver;
