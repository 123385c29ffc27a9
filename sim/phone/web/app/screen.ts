import type { App } from "./app.ts";

export type Tab = "cameras" | "gallery" | "activity";

export interface Screen {
  /** Also the title of the window. */
  title: string;
  element: HTMLElement;
  /** Which entry of the navigation it belongs to; without one the screen has the page for itself. */
  tab?: Tab;
}

/**
 * Makes a screen for a route. Everything that goes on in it ends with `signal`, which is aborted when the person leaves it.
 * May go elsewhere instead, and then returns nothing.
 */
export type ScreenMaker = (
  app: App,
  argument: string | undefined,
  signal: AbortSignal,
) => Screen | undefined | Promise<Screen | undefined>;
