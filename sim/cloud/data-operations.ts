import type { IotCore } from "./iot-core.ts";
import { topicProblem } from "./iot-limits.ts";
import { pageOf } from "./paging.ts";
import { RegistryError } from "./registry-error.ts";
import type { ShadowService } from "./shadow.ts";
import { ShadowError } from "./shadow-document.ts";

export interface DataServices {
  iot: IotCore;
  shadows: ShadowService;
}

export interface DataCall extends DataServices {
  /** The one in the path, decoded: a thing, a topic or a client id. */
  name: string;
  query: URLSearchParams;
  body: Buffer;
}

export interface DataOperation {
  name: string;
  method: "GET" | "POST" | "DELETE";
  path: RegExp;
  /** Actions (without `iot:`) and the resource (without the ARN's beginning) that they are about. */
  rights(call: DataCall): { actions: string[]; resource: string };
  run(call: DataCall): object | Promise<object>;
}

const shadowPath = /^\/things\/([^/]+)\/shadow$/;
const nameOf = ({ name, query }: DataCall) => name + (query.get("name") ? `/name/${query.get("name")}` : "");

function ofShadow(name: string, method: DataOperation["method"], run: DataOperation["run"]): DataOperation {
  const resourceOf = ({ name: thing, query }: DataCall) =>
    `thing/${[thing, query.get("name")].filter(Boolean).join("/")}`;
  return { name, method, path: shadowPath, rights: (call) => ({ actions: [name], resource: resourceOf(call) }), run };
}

/** Those of the API model `iot-data` that are served here. */
export const dataOperations: DataOperation[] = [
  ofShadow("GetThingShadow", "GET", (call) => call.shadows.get(nameOf(call))),
  ofShadow("UpdateThingShadow", "POST", (call) => call.shadows.update(nameOf(call), call.body)),
  ofShadow("DeleteThingShadow", "DELETE", (call) => call.shadows.delete(nameOf(call))),
  {
    name: "ListNamedShadowsForThing",
    method: "GET",
    path: /^\/api\/things\/shadow\/ListNamedShadowsForThing\/([^/]+)$/,
    rights: ({ name }) => ({ actions: ["ListNamedShadowsForThing"], resource: `thing/${name}` }),
    run: ({ shadows, name, query }) => {
      // This one list has pageSize and nextToken.
      const names = new URLSearchParams(query);
      if (query.has("pageSize")) names.set("maxResults", String(query.get("pageSize")));
      const { items, next } = pageOf(shadows.namedOf(name), names, { keyOf: (one) => one });
      return { results: items, nextToken: next, timestamp: Math.floor(Date.now() / 1000) };
    },
  },
  {
    name: "Publish",
    method: "POST",
    path: /^\/topics\/([^/]+)$/,
    rights: ({ name, query }) => ({
      actions: query.get("retain") === "true" ? ["Publish", "RetainPublish"] : ["Publish"],
      resource: `topic/${name}`,
    }),
    run: publish,
  },
  {
    name: "DeleteConnection",
    method: "DELETE",
    path: /^\/connections\/([^/]+)$/,
    rights: ({ name }) => ({ actions: ["DeleteConnection"], resource: `client/${name}` }),
    run: ({ iot, name }) => {
      if (!iot.clients.includes(name)) throw new RegistryError("ResourceNotFoundException", `${name} is not connected`);
      iot.disconnect(name);
      return {};
    },
  },
];

async function publish({ iot, name: topic, query, body }: DataCall): Promise<object> {
  const qos = Number(query.get("qos") ?? 0);
  const problem = /[+#]/.test(topic) ? "topic has a wildcard" : topicProblem(topic, iot.limits);
  if (problem) throw new ShadowError(400, problem);
  if (qos !== 0 && qos !== 1) throw new ShadowError(400, "qos is 0 or 1");
  await iot.publish(topic, body, { qos, retain: query.get("retain") === "true" });
  return {};
}

/**
 * @throws RegistryError UnknownOperationException
 * @throws ShadowError 405 when the path is there but not for this method
 */
export function findDataOperation(method: string, pathname: string): { operation: DataOperation; name: string } {
  const there = dataOperations.filter(({ path }) => path.test(pathname));
  if (!there.length) throw new RegistryError("UnknownOperationException", `${pathname} is not served here`);
  const operation = there.find((one) => one.method === method);
  if (!operation) throw new ShadowError(405, "the method is not allowed");
  return { operation, name: decodeURIComponent(operation.path.exec(pathname)![1]) };
}
