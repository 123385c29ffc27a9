import dbus from "dbus-next";

const { Message, Variant, MessageType } = dbus;
type Message = InstanceType<typeof Message>;
type Variant = InstanceType<typeof Variant>;

/** Thrown by a method: the D-Bus error that the caller gets. */
export class ObjectError extends Error {
  readonly dbusName: string;

  constructor(dbusName: string, message: string) {
    super(message);
    this.dbusName = dbusName;
  }
}

/** Values with their D-Bus signatures, such as `["ay", Buffer]`. */
export type Properties = Record<string, [signature: string, value: unknown]>;

export interface Method {
  /** Signature of what it returns; "" for nothing. */
  returns: string;
  /** @throws ObjectError */
  // biome-ignore lint/suspicious/noExplicitAny: what a caller sends is what the interface's specification says
  call(...args: any[]): unknown;
}

export interface Interface {
  properties?: Properties;
  methods?: Record<string, Method>;
}

const propertiesInterface = "org.freedesktop.DBus.Properties";
const managerInterface = "org.freedesktop.DBus.ObjectManager";

/** A tree of D-Bus objects that come and go, with org.freedesktop.DBus.ObjectManager at its root. */
export class ObjectTree {
  #bus: dbus.MessageBus;
  #objects = new Map<string, Record<string, Interface>>();

  private constructor(bus: dbus.MessageBus) {
    this.#bus = bus;
    bus.addMethodHandler((message: Message) => this.#handle(message));
  }

  /** Takes the name on the bus. */
  static async serve(busAddress: string, name: string): Promise<ObjectTree> {
    const bus = dbus.sessionBus({ busAddress });
    // A bus that ends before its objects do is no failure of the test.
    bus.on("error", () => {});
    const tree = new ObjectTree(bus);
    await bus.requestName(name, 0);
    return tree;
  }

  has(path: string): boolean {
    return this.#objects.has(path);
  }

  /** Paths of the objects right below this one. */
  below(path: string): string[] {
    const depth = path.split("/").length + 1;
    return [...this.#objects.keys()].filter((each) => each.startsWith(`${path}/`) && each.split("/").length === depth);
  }

  add(path: string, interfaces: Record<string, Interface>): void {
    this.#objects.set(path, interfaces);
    this.#signal("/", managerInterface, "InterfacesAdded", "oa{sa{sv}}", [path, describe(interfaces)]);
  }

  /** The object and all below it. */
  remove(path: string): void {
    for (const each of [...this.#objects.keys()].reverse()) {
      if (each !== path && !each.startsWith(`${path}/`)) continue;
      const names = Object.keys(this.#objects.get(each)!);
      this.#objects.delete(each);
      this.#signal("/", managerInterface, "InterfacesRemoved", "oas", [each, names]);
    }
  }

  get(path: string, name: string, property: string): unknown {
    return this.#objects.get(path)?.[name]?.properties?.[property]?.[1];
  }

  set(path: string, name: string, values: Record<string, unknown>): void {
    const properties = this.#objects.get(path)?.[name]?.properties;
    if (!properties) return;
    const changed: Properties = {};
    for (const [property, value] of Object.entries(values)) {
      properties[property] = [properties[property][0], value];
      changed[property] = properties[property];
    }
    this.#signal(path, propertiesInterface, "PropertiesChanged", "sa{sv}as", [name, variants(changed), []]);
  }

  close(): void {
    this.#bus.disconnect();
  }

  #signal(path: string, name: string, member: string, signature: string, body: unknown[]): void {
    this.#bus.send(Message.newSignal(path, name, member, signature, body));
  }

  #handle(message: Message): boolean {
    if (message.type !== MessageType.METHOD_CALL) return false;
    void this.#perform(message).then(
      ([signature, body]) => this.#bus.send(Message.newMethodReturn(message, signature, body)),
      (error) => {
        // The typings have a string there; the library wants the message that is answered.
        const name = error instanceof ObjectError ? error.dbusName : "org.freedesktop.DBus.Error.Failed";
        this.#bus.send(Message.newError(message as unknown as string, name, (error as Error).message));
      },
    );
    return true;
  }

  async #perform({ path, interface: name, member, body }: Message): Promise<[string, unknown[]]> {
    if (name === managerInterface && member === "GetManagedObjects") return ["a{oa{sa{sv}}}", [this.#all()]];
    const interfaces = this.#objects.get(path!);
    if (!interfaces) throw new ObjectError("org.freedesktop.DBus.Error.UnknownObject", `no object at ${path}`);
    if (name === propertiesInterface) return this.#property(path!, member!, body);
    const method = interfaces[name!]?.methods?.[member!];
    if (!method) throw new ObjectError("org.freedesktop.DBus.Error.UnknownMethod", `no method ${name}.${member}`);
    const result = await method.call(...body);
    return [method.returns, method.returns ? [result] : []];
  }

  #property(path: string, member: string, [name, property, value]: unknown[]): [string, unknown[]] {
    const properties = this.#objects.get(path)?.[name as string]?.properties ?? {};
    if (member === "GetAll") return ["a{sv}", [variants(properties)]];
    const found = properties[property as string];
    if (!found) throw new ObjectError("org.freedesktop.DBus.Error.UnknownProperty", `no property ${property}`);
    if (member === "Get") return ["v", [new Variant(...found)]];
    this.set(path, name as string, { [property as string]: (value as Variant).value });
    return ["", []];
  }

  #all(): Record<string, Record<string, Record<string, Variant>>> {
    return Object.fromEntries([...this.#objects].map(([path, interfaces]) => [path, describe(interfaces)]));
  }
}

function describe(interfaces: Record<string, Interface>): Record<string, Record<string, Variant>> {
  return Object.fromEntries(
    Object.entries(interfaces).map(([name, { properties = {} }]) => [name, variants(properties)]),
  );
}

function variants(properties: Properties): Record<string, Variant> {
  return Object.fromEntries(Object.entries(properties).map(([name, value]) => [name, new Variant(...value)]));
}
