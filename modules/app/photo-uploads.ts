import type { CloudError } from "../cloud/cloud-error";
import { type GrantOwner, GrantRequest, type UploadGrant } from "../cloud/upload-grants";
import { type OutcomeOwner, runStep } from "../network/single-outcome";
import { endAnnouncement, keepAnnouncement, pendingAnnouncements } from "./announcements";
import { CommandError, describeError } from "./command-error";
import type { Photo } from "./photographer";
import type { UploadHost, UploadProgress, UploadRequest, UploadResult } from "./upload-host";
import { endPromise, findPromise, keepPromise } from "./upload-promise";

export type { PhotoAnnouncement } from "./announcements";
export type { UploadHost, UploadProgress, UploadRequest, UploadResult } from "./upload-host";

/** The picture is untouched, and somebody who brings a URL can still have it. */
const withoutURL = Object.freeze({ status: "needURL", action: "newURL", frameIntact: true, attempts: 0, bytes: 0 });

/** A granted URL may turn out dead as well, for instance when the signer's own credentials end: then another one is asked for, once. */
const grantsPerPhoto = 2;

/**
 * Sends one picture at a time and tells of it. Without a URL, or when the URL turns out dead and the picture can still be sent, it asks
 * the cloud for one. Each picture that was accepted gets exactly one UploadResult, whatever throws on the way, and is out of the way of the next
 * one by then: what was accepted is in storage until then, so that even one that goes with the power gets it, after the restart. An announcement is written to storage before it is sent and removed when
 * the cloud has it, so that a restart in between repeats it: a stored picture is announced at least once.
 */
export class PhotoUploads implements GrantOwner, OutcomeOwner {
  readonly counters = {
    uploaded: 0,
    failed: 0,
    announced: 0,
    granted: 0,
    grantRefused: 0,
    noGrant: 0,
    grantIgnored: 0,
    powerLost: 0,
    retaken: 0,
    incomplete: 0,
  };
  #host: UploadHost;
  #photo?: Photo;
  /** Where it goes, without the query. */
  #url = "";
  #announcing = false;
  /** Bytes of the picture that the present attempt has sent. */
  #sent = 0;
  /** Of the upload that ended last. */
  #last?: UploadProgress;
  /** Runs while the picture waits for a URL. */
  #grantRequest?: GrantRequest;
  /** How many were made for this picture. */
  #grantRequests = 0;
  /** The last picture was whole, as far as is known: one that is cut is worth another try. */
  #isWhole = true;

  constructor(host: UploadHost) {
    this.#host = host;
  }

  /** The image that is on its way, if any. */
  get busy(): string | undefined {
    return this.#photo?.imageId;
  }

  /**
   * Starts the upload and returns at once; the outcome is reported as an UploadResult event. A URL that somebody brings for a picture that
   * waits for one is taken.
   *
   * @param request undefined: the cloud is asked for a URL
   * @param due of a scheduled picture: when, milliseconds since 1970
   * @throws CommandError Busy, NotConnected; what `redact` throws
   */
  start(request: UploadRequest | undefined, photo: Photo, due?: number): void {
    const isWaiting = this.#grantRequest !== undefined && photo.imageId === this.busy;
    if (this.busy && !(request && isWaiting)) throw new CommandError("Busy", `${this.busy} is being uploaded`);
    if (!request && !this.#host.hasSession)
      throw new CommandError("NotConnected", "without a url the camera needs its session with the cloud");
    if (request) this.#url = this.#host.redact(request.url);
    this.stopAsking();
    if (due) photo.due = due;
    photo.frame.mustBeComplete = this.#isWhole;
    if (this.#photo !== photo) this.promise(photo);
    this.#photo = photo;
    this.#grantRequests = 0;
    if (request) runStep(this, this.send, request);
    else runStep(this, this.askForURL);
  }

  /** Something threw that nobody has foreseen: that is how the picture's upload ends. @internal */
  broken(error: unknown): void {
    if (this.#photo) this.fail(this.#photo, describeError(error));
  }

  private promise(photo: Photo): void {
    try {
      keepPromise(this.#host.records, photo);
    } catch (error) {
      // The upload is worth trying all the same; if the power goes, nobody will be told.
      this.report("Error", { ...describeError(error) });
    }
  }

  /** An event. Never throws: what has ended must not hang on who is told. */
  private report(type: string, fields: Record<string, unknown>): void {
    try {
      this.#host.events.add(type, fields);
    } catch (error) {
      trace(`${type} was not told: ${describeError(error).message}\n`);
    }
  }

  private stopAsking(): void {
    const request = this.#grantRequest;
    this.#grantRequest = undefined;
    request?.close();
  }

  /** After power-on: a picture that was accepted before, and has no result, is gone. */
  recover(): void {
    const { records, events } = this.#host;
    const promise = findPromise(records);
    if (!promise) return;
    const { imageId, due } = promise;
    const isStored = pendingAnnouncements(records).some((announcement) => announcement.imageId === imageId);
    if (due) this.#host.scheduledEnded(due, isStored ? undefined : "PowerLost");
    if (!isStored) {
      this.counters.powerLost += 1;
      const message = "the camera was restarted before it knew that the picture was stored";
      const result = { status: "failed", code: "PowerLost", message, frameIntact: false, uncertain: true, attempts: 0 };
      events.add("UploadResult", { imageId, ...result });
    }
    endPromise(records);
  }

  /** The camera's memory is wanted for another picture. A person's may have it from one that waits for a URL. @throws CommandError Busy */
  checkFree(isForPerson: boolean): void {
    if (this.#photo && !(isForPerson && this.#grantRequest))
      throw new CommandError("Busy", `${this.busy} is being uploaded, or waits for it`);
  }

  /** The same, and the one that waits is given up: it fails as Replaced. */
  makeWay(isForPerson: boolean): void {
    this.checkFree(isForPerson);
    const photo = this.#photo;
    if (!photo) return;
    this.fail(photo, { code: "Replaced", message: "somebody took a picture while this one waited for a URL" });
  }

  /** Of a picture that is on its way, or was the last to be. @returns undefined for any other */
  progress(imageId: string | undefined): UploadProgress | undefined {
    const photo = this.#photo;
    if (photo?.imageId !== imageId || !photo) return this.#last?.imageId === imageId ? this.#last : undefined;
    const state = this.#grantRequest ? "waiting" : "uploading";
    return { imageId: photo.imageId, state, sent: this.#sent, total: photo.frame.byteLength };
  }

  /** Bytes that the present attempt has sent. The host says so for each piece, so a number is all that it leaves behind. */
  sent(bytes: number): void {
    this.#sent = bytes;
  }

  private send(request: UploadRequest): void {
    this.#sent = 0;
    this.#host.upload(request, this.#photo as Photo);
  }

  /** The host's upload is over. Never throws. @param request of the upload, for another picture in the place of one that is cut */
  ended(result: UploadResult, request?: UploadRequest): void {
    try {
      this.judge(result, request);
    } catch (error) {
      this.broken(error);
    }
  }

  private judge(result: UploadResult, request?: UploadRequest): void {
    const photo = this.#photo;
    if (!photo) return;
    const { status, code, message = "", frameIntact, uncertain } = result;
    if (status === "stored" || uncertain) photo.sentTo = this.#url;
    if (status === "stored") this.stored(photo, result);
    else if (code === "IncompleteFrame" && request) this.retake(photo, request);
    else if (status === "needURL" && frameIntact && this.#host.hasSession && this.#grantRequests < grantsPerPhoto)
      this.askForURL();
    else this.fail(photo, { code: code || status, message }, result);
  }

  /**
   * The picture is cut, which is known with its last byte; that was withheld, so the store has kept nothing and its place is free. Another one
   * is taken, once. A URL that was signed for the length of the first turns out dead, and then there will be another as always.
   */
  private async retake(photo: Photo, request: UploadRequest): Promise<void> {
    this.counters.retaken += 1;
    this.#isWhole = false;
    this.#sent = 0;
    this.#grantRequests = 0;
    try {
      await this.#host.retake(photo);
    } catch (error) {
      const { code, message } = describeError(error);
      this.fail(photo, { code: "RetakeFailed", message: `${code}: ${message}` });
      return;
    }
    photo.sentTo = undefined;
    runStep(this, this.send, request);
  }

  private askForURL(): void {
    const { imageId, frame } = this.#photo as Photo;
    const { byteLength } = frame;
    this.#sent = 0;
    this.#grantRequests += 1;
    this.#grantRequest = new GrantRequest(this, { imageId, byteLength, requestId: this.#host.nextRequestId() });
    this.#grantRequest.start();
  }

  /** A message on the grant topic. Answers that nobody waits for (any more) are counted and dropped. */
  receiveGrant(payload: ArrayBuffer): void {
    runStep(this, this.takeGrant, payload);
  }

  private takeGrant(payload: ArrayBuffer): void {
    if (!this.#grantRequest?.receive(payload)) this.counters.grantIgnored += 1;
  }

  // Called by the grant request

  /** @internal */
  now(): number {
    return this.#host.confirmedNow();
  }

  /** @internal */
  publishGrantRequest(payload: string): Promise<void> {
    return this.#host.publishGrantRequest(payload);
  }

  /** @internal */
  onGranted(grant: UploadGrant): void {
    this.#grantRequest = undefined;
    this.counters.granted += 1;
    const photo = this.#photo;
    if (!photo) return;
    try {
      this.#url = this.#host.redact(grant.url);
    } catch (error) {
      this.fail(photo, describeError(error), withoutURL);
      return;
    }
    runStep(this, this.send, grant);
  }

  /** @internal */
  onExpiredGrant(): void {
    this.#host.timeContradicted("ExpiredGrant");
  }

  /** @internal */
  onNotGranted(error: CloudError): void {
    this.#grantRequest = undefined;
    if (error.code === "GrantRefused") this.counters.grantRefused += 1;
    else this.counters.noGrant += 1;
    if (this.#photo) this.fail(this.#photo, describeError(error), withoutURL);
  }

  private stored(photo: Photo, result: UploadResult): void {
    const { imageId, time, resolution, frame, due } = photo;
    const { bytes, attempts, verified, etag = "" } = result;
    const { width, height } = frame;
    const url = this.#url;
    const complete: false | undefined = frame.complete === false ? false : undefined;
    this.counters.uploaded += 1;
    if (complete === false) this.counters.incomplete += 1;
    this.#isWhole = complete === undefined;
    try {
      const what = { imageId, url, bytes, etag, time, width, height, resolution, due, complete };
      for (const lost of keepAnnouncement(this.#host.records, what)) {
        const message = `${lost.imageId} is stored, and the cloud was not told in time`;
        this.report("Error", { code: "AnnouncementLost", message });
      }
    } catch (error) {
      // It lies in the bucket all the same; nobody will be told by MQTT.
      this.report("Error", { ...describeError(error) });
    }
    this.end(photo, "stored", bytes, undefined, complete);
    this.report("UploadResult", { imageId, status: "stored", bytes, etag, verified, attempts, url, complete });
    this.announcePending();
  }

  private fail(photo: Photo, error: { code: string; message: string }, result?: UploadResult): void {
    const { imageId } = photo;
    const { status = "failed", attempts = 0, action, frameIntact, uncertain, endpoint } = result ?? {};
    this.end(photo, status, this.#sent, error.code);
    this.counters.failed += 1;
    const what = { imageId, status, ...error, action, frameIntact, uncertain, attempts, endpoint };
    this.report("UploadResult", what);
  }

  /** The promise is the last to go: a cut before that leaves what is needed to find out how the picture ended. Never throws. */
  private end(photo: Photo, state: string, sent: number, code?: string, complete?: false): void {
    const { imageId, frame, due } = photo;
    this.#photo = undefined;
    this.stopAsking();
    this.#last = { imageId, state, code, sent, total: frame.byteLength, complete };
    // Whoever uploads it after all does so for a purpose of their own.
    photo.due = undefined;
    try {
      if (due) this.#host.scheduledEnded(due, code);
    } catch (error) {
      this.report("Error", { ...describeError(error) });
    }
    try {
      endPromise(this.#host.records);
    } catch (error) {
      this.report("Error", { ...describeError(error) });
    }
  }

  /** Tells the cloud of every stored picture that it has not acknowledged yet. Called again whenever the session comes back. */
  async announcePending(): Promise<void> {
    if (this.#announcing) return;
    this.#announcing = true;
    // What has just ended, an upload or a connection, can be collected before the next begins.
    await undefined;
    try {
      const { records } = this.#host;
      for (let next = pendingAnnouncements(records)[0]; next; next = pendingAnnouncements(records)[0]) {
        await this.#host.announce(next);
        this.counters.announced += 1;
        endAnnouncement(records, next);
        this.report("PhotoAnnounced", { imageId: next.imageId });
      }
    } catch {
      // Not connected, or the session ended before the acknowledgement: the record stays and the next session sends it.
    } finally {
      this.#announcing = false;
    }
  }
}
