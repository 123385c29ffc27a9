import type { OwnerTable } from "./owner-record.ts";

/** Whose camera it is. */
export interface Binding {
  thing: string;
  /** Cognito's identityId, `region:uuid`. */
  user: string;
  /** What the person calls it. */
  name?: string;
  /** Milliseconds since 1970. */
  since: number;
  /** Of a binding from before a policy had several cameras (owner-record.ts): the name of its own. */
  policy?: string;
  /** It is being given up: its owner may do no more with it than give it up once more, or claim it again. */
  releasing?: boolean;
}

/**
 * Where bindings are kept, one for each thing: DynamoDB in AWS (dynamo-table.ts), a JSON file here (json-table.ts). Each method happens
 * whole or not at all, whoever else calls at the same time.
 */
export interface BindingTable extends OwnerTable {
  /** The newest state. */
  get(thing: string): Promise<Binding | undefined>;
  /**
   * Binds the thing, unless it is somebody else's. Of one's own it changes the name (if there is one) and takes `releasing` away, and
   * nothing else.
   *
   * @returns the binding as it is now; undefined when the thing is somebody else's
   */
  claim(binding: Omit<Binding, "releasing">): Promise<Binding | undefined>;
  /** Marks one's own binding as `releasing`. @returns false when there is none */
  startRelease(thing: string, user: string): Promise<boolean>;
  /** Removes a binding that is marked. @returns false when it is not (any more) */
  finishRelease(thing: string, user: string): Promise<boolean>;
  /** All of a person's bindings; one of the last second may be missing. */
  ofUser(user: string): Promise<Binding[]>;
}
