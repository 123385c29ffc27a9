/** An event with what happened in it. */
export class DetailEvent<Detail> extends Event {
  readonly detail: Detail;

  constructor(type: string, detail: Detail) {
    super(type);
    this.detail = detail;
  }
}

/**
 * An EventTarget whose events and their details have types. It works in a browser as in Node; a listener that throws does not stop the one
 * who emits.
 */
export abstract class Emitter<Events extends object> extends EventTarget {
  /** Calls `listener` with the detail of each event of this type. Returns what ends it. */
  on<Type extends keyof Events & string>(type: Type, listener: (detail: Events[Type]) => void): () => void {
    const listen = (event: Event) => listener((event as DetailEvent<Events[Type]>).detail);
    this.addEventListener(type, listen);
    return () => this.removeEventListener(type, listen);
  }

  protected emit<Type extends keyof Events & string>(type: Type, detail: Events[Type]): void {
    this.dispatchEvent(new DetailEvent(type, detail));
  }
}
