import type { CloudError } from "../../../modules/cloud/cloud-error";
import { GuardResolver } from "../../../modules/cloud/guard-resolver";
import { equal, test } from "../harness";

interface Query {
  host: string;
  onResolved(host: string, address: string): void;
  onError(): void;
}

function setUp() {
  const told: string[] = [];
  const queries: Query[] = [];
  const state = { isClosed: false };
  class Resolver {
    resolve(query: Query): void {
      queries.push(query);
    }
    close(): void {
      told.push("given up");
      throw new Error("closed already");
    }
  }
  const guard: GuardResolver = new GuardResolver({
    resolver: { io: Resolver },
    watcher: {
      isClosed: () => state.isClosed,
      onResolving: (it) => told.push(it === guard ? "resolving" : "another"),
      onResolved: () => told.push("resolved"),
      onError: ({ code }: CloudError) => told.push(code),
    },
  });
  const resolve = (onResolved: (host: string, address: string) => void) => {
    guard.resolve({ host: "broker.example", onResolved });
    return queries[0];
  };
  return { guard, told, state, resolve };
}

test("the address goes to the client, when the watcher has heard of it; the look-up is let go, once", () => {
  const { guard, told, resolve } = setUp();
  const query = resolve((host, address) => told.push(`${host} ${address}`));
  equal(query.host, "broker.example");
  query.onResolved("broker.example", "192.0.2.1");
  guard.close();
  equal(told, ["resolving", "resolved", "broker.example 192.0.2.1", "given up"]);
});

test("a name without an address has its error", () => {
  const { told, resolve } = setUp();
  resolve(() => told.push("address")).onError();
  equal(told, ["resolving", "ResolveFailed", "given up"]);
});

test("a client that throws is an error with a name, and no exception of the resolver's", () => {
  for (const [error, code] of [
    [new Error("no socket"), "ClientFailed"],
    [Object.assign(new Error("no clock"), { code: "NoTime" }), "NoTime"],
  ] as const) {
    const { told, resolve } = setUp();
    resolve(() => {
      throw error;
    }).onResolved("broker.example", "192.0.2.1");
    equal(told, ["resolving", "resolved", code, "given up"]);
  }
});

test("when no answer is wanted any more none is told", () => {
  for (const event of ["onResolved", "onError"] as const) {
    const { told, state, resolve } = setUp();
    const query = resolve(() => told.push("address"));
    state.isClosed = true;
    query[event]("broker.example", "192.0.2.1");
    equal(
      told.filter((word) => word !== "given up"),
      ["resolving"],
    );
  }
});
