import { createHash } from "node:crypto";
import type { OwnerPage } from "./owner-record.ts";

/** AWS IoT (quotas): ten policies for an identity, one of which is the phone's own; characters of a policy without white space. */
export const mostPages = 9;
const policySize = 2048;
/** What a person can have. */
export const mostCameras = 50;

/** The longest start of an ARN that there is; what fits with it fits everywhere. */
const longestPrefix = "arn:aws-iso-f:iot:us-isof-south-1:123456789012:";
const placeholder = "arn:PARTITION:iot:REGION:ACCOUNT:";

/** certs/owner-policy.json, whose resources are there once for each camera. */
export class OwnerDocument {
  readonly #text: string;

  constructor(template: object) {
    this.#text = JSON.stringify(template);
  }

  /** @param prefix such as `arn:aws:iot:eu-west-1:123456789012:` */
  render(things: readonly string[], prefix = longestPrefix): string {
    const document = JSON.parse(this.#text.replaceAll(placeholder, prefix), (key, value) =>
      key === "Resource" ? things.flatMap((thing) => fill(value, thing)) : value,
    );
    return JSON.stringify(document);
  }

  fits(things: readonly string[]): boolean {
    return this.render(things).length <= policySize;
  }

  /** As many of the first ones as fit; one always does, so that what is wrong with the file is told by AWS. */
  fittingPart(things: readonly string[]): string[] {
    const part = [...things];
    while (part.length > 1 && !this.fits(part)) part.pop();
    return part;
  }

  /** Tells whether a policy is what these cameras and this file make it. */
  digest(things: readonly string[]): string {
    return createHash("sha256").update(this.render(things)).digest("hex").slice(0, 32);
  }
}

const fill = (resources: string | string[], thing: string): string[] =>
  [resources].flat().map((resource) => resource.replaceAll("THING", thing));

/** Puts a camera on the first page that has room, or on a new one. @returns undefined when there is no room */
export function withThing(
  pages: readonly OwnerPage[],
  thing: string,
  document: OwnerDocument,
  newName: () => string,
): OwnerPage[] | undefined {
  if (pages.some(({ things }) => things.includes(thing))) return [...pages];
  if (countThings(pages) >= mostCameras) return undefined;
  const index = pages.findIndex(({ things }) => document.fits([...things, thing]));
  if (index < 0) return pages.length < mostPages ? [...pages, { policy: newName(), things: [thing] }] : undefined;
  return pages.map((page, i) => (i === index ? { ...page, things: [...page.things, thing] } : page));
}

export const withoutThing = (pages: readonly OwnerPage[], thing: string): OwnerPage[] =>
  pages.map((page) => ({ ...page, things: page.things.filter((one) => one !== thing) }));

/** Another file may have longer statements: what has no room on its page any more moves to another one. */
export function withFittingPages(
  pages: readonly OwnerPage[],
  document: OwnerDocument,
  newName: () => string,
): readonly OwnerPage[] {
  const fitting = pages.map((page) => ({ ...page, things: document.fittingPart(page.things) }));
  const left = thingsOf(pages).filter((thing) => !fitting.some(({ things }) => things.includes(thing)));
  return left.reduce((all, thing) => withThing(all, thing, document, newName) ?? all, fitting);
}

export const thingsOf = (pages: readonly OwnerPage[]): string[] => pages.flatMap(({ things }) => things);

export const countThings = (pages: readonly OwnerPage[]): number => thingsOf(pages).length;
