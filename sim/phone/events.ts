/** Base of classes that tell of events: an EventTarget that knows the types of its events. */
export abstract class Observable<Events> extends EventTarget {
  /** @returns a function that ends it */
  listen<Type extends keyof Events & string>(type: Type, listener: (event: Events[Type]) => void): () => void {
    const untyped = (event: Event) => listener(event as Events[Type]);
    this.addEventListener(type, untyped);
    return () => this.removeEventListener(type, untyped);
  }
}
