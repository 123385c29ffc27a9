/** What an element may hold; nothing where it is undefined, null or false. */
export type Child = Node | string | number | undefined | null | false | Child[];

type Attribute = string | number | boolean | undefined | null;
type Listeners = { [K in keyof HTMLElementEventMap]?: (event: HTMLElementEventMap[K]) => void };
export type Properties = { on?: Listeners; class?: string | false } & { [attribute: string]: Attribute | Listeners };

/** Makes an element. `on` holds listeners, everything else is an attribute: true is an empty one, false and undefined none. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  properties: Properties = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  const { on, ...attributes } = properties;
  for (const [name, value] of Object.entries(attributes)) setAttribute(element, name, value as Attribute);
  for (const [type, listener] of Object.entries(on ?? {})) element.addEventListener(type, listener as EventListener);
  append(element, children);
  return element;
}

export function setAttribute(element: Element, name: string, value: Attribute): void {
  if (value === undefined || value === null || value === false) element.removeAttribute(name);
  else element.setAttribute(name, value === true ? "" : String(value));
}

/** Puts `children` in the place of what an element holds. */
export function fill(element: Element, ...children: Child[]): void {
  element.replaceChildren();
  append(element, children);
}

/** The same where buttons come and go: whoever has the focus in there keeps it there, on the first button. */
export function refill(element: Element, ...children: Child[]): void {
  const hadFocus = element.contains(document.activeElement);
  fill(element, ...children);
  if (hadFocus) element.querySelector<HTMLElement>("button, a")?.focus();
}

function append(element: Element, children: Child[]): void {
  for (const child of children) {
    if (Array.isArray(child)) append(element, child);
    else if (child !== undefined && child !== null && child !== false)
      element.append(child instanceof Node ? child : String(child));
  }
}

let lastId = 0;

/** An id that nothing else on the page has, for labels and descriptions. */
export const uniqueId = (name: string) => `${name}-${++lastId}`;

/** Calls `run` once in the next frame, however often it is asked to. For what changes many times a second. */
export function oncePerFrame(run: () => void): () => void {
  let isAsked = false;
  return () => {
    if (isAsked) return;
    isAsked = true;
    requestAnimationFrame(() => {
      isAsked = false;
      run();
    });
  };
}
