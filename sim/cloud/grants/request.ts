/**
 * What the rule hands to the function: the camera's message, and the thing name from the topic. The broker let the message through because
 * the certificate's policy allows this topic to this thing only, so `thing` can be believed; nothing else can.
 */
export interface GrantEvent {
  thing?: unknown;
  imageId?: unknown;
  byteLength?: unknown;
  contentType?: unknown;
  requestId?: unknown;
}

export interface GrantRequest {
  thing: string;
  imageId: string;
  /** Bytes of the picture. */
  byteLength: number;
  contentType: string;
  requestId: string;
}

/**
 * Why there is no URL. The camera is told `code` and `message`.
 *
 * - BadThing, BadImageId, BadRequestId: names that the camera cannot have; the last two are not answered, since no camera asked so
 * - BadByteLength, PictureTooLarge, BadContentType
 * - NotBound: the camera belongs to nobody
 * - GrantTooLarge: URL and headers do not fit the camera's messages
 */
export class GrantRefusal extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.name = "GrantRefusal";
    this.code = code;
  }
}

/** AWS IoT's thing names (CreateThing). */
const thingName = /^[a-zA-Z0-9:_-]{1,128}$/;
/** Becomes part of the object's key: neither dots nor slashes. */
const image = /^[a-zA-Z0-9][a-zA-Z0-9_-]{0,63}$/;
const token = /^[a-zA-Z0-9+/=_-]{1,64}$/;

/** Five megapixels at the highest quality are below 3 MB. */
export const largestPicture = 8 * 1024 * 1024;
const contentTypes = ["image/jpeg"];

/** Both fields that the camera knows its answer by are well formed. */
export function isAnswerable({ thing, imageId, requestId }: GrantEvent): boolean {
  return fits(thing, thingName) && fits(imageId, image) && fits(requestId, token);
}

/** @throws GrantRefusal */
export function parseRequest(event: GrantEvent): GrantRequest {
  const { thing, imageId, byteLength, contentType = "image/jpeg", requestId } = event;
  if (!fits(thing, thingName)) throw new GrantRefusal("BadThing", "this is no thing name");
  if (!fits(imageId, image))
    throw new GrantRefusal(
      "BadImageId",
      "imageId has 1 to 64 letters, digits, _ and -, and starts with one of the first two",
    );
  if (!fits(requestId, token)) throw new GrantRefusal("BadRequestId", "requestId has 1 to 64 characters of base64");
  if (typeof byteLength !== "number" || !Number.isInteger(byteLength) || byteLength < 1)
    throw new GrantRefusal("BadByteLength", "byteLength is the number of bytes of the picture");
  if (byteLength > largestPicture)
    throw new GrantRefusal("PictureTooLarge", `a picture has at most ${largestPicture} bytes`);
  if (typeof contentType !== "string" || !contentTypes.includes(contentType))
    throw new GrantRefusal("BadContentType", `contentType is ${contentTypes.join(" or ")}`);
  return { thing, imageId, byteLength, contentType, requestId };
}

function fits(value: unknown, pattern: RegExp): value is string {
  return typeof value === "string" && pattern.test(value);
}
