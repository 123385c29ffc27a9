import { type AccountErrorCode, codeOf, type FlowErrorCode, type PhoneCloudErrorCode } from "./cloud-errors.ts";
import type { PhoneErrorCode } from "./errors.ts";

/** What a person can do about a failure with one press. */
export type AdviceAction =
  /** The same once more. */
  | "retry"
  /** Look for the camera again. */
  | "find"
  /** Read or type the label's proof of possession again. */
  | "label"
  /** Choose the Wi-Fi or type its password again. */
  | "wifi"
  | "sign-in"
  /** Nothing here helps: another person or another place has to act. */
  | "none";

/** A failure in words for a person. */
export interface Advice {
  code: string;
  /** What happened, one sentence. */
  what: string;
  /** What to do next, one or two sentences. */
  next: string;
  action: AdviceAction;
  /** Milliseconds to wait before `action`, where that is known (LockedOut). */
  wait?: number;
}

type Entry = [what: string, next: string, action: AdviceAction];

const signIn = {
  WrongPassword: ["The password is not the right one.", "Type it again; mind capital letters.", "sign-in"],
  UserNotFound: ["There is no account of this name.", "Check the name, or ask whoever runs the account.", "sign-in"],
  UserDisabled: ["This account has been switched off.", "Ask whoever runs it.", "none"],
  NotConfirmed: [
    "The account has not been confirmed yet.",
    "Open the link or enter the code of the message that you got, then sign in.",
    "sign-in",
  ],
  NewPasswordRequired: ["This account needs a password of your own.", "Choose a new password.", "sign-in"],
  NewPasswordRefused: ["The new password is too simple.", "Choose a longer one, with digits and signs.", "sign-in"],
  PasswordResetRequired: ["The password has to be reset.", "Ask whoever runs the account to reset it.", "none"],
  ChallengeNotSupported: [
    "The account asks for a second factor, which this app cannot do.",
    "Use an account without, or have it switched off.",
    "none",
  ],
  TooManyAttempts: ["There were too many attempts.", "Wait a few minutes, then try again.", "sign-in"],
  SessionExpired: ["You have been signed out.", "Sign in again; everything else goes on where it was.", "sign-in"],
  AccountNotSetUp: [
    "The AWS account is not ready for cameras.",
    "Whoever runs it has to deploy the template and the policies (README, Real AWS).",
    "none",
  ],
  BadSettings: ["The settings of the cloud cannot be used.", "Correct the settings file and start again.", "none"],
} satisfies Record<string, Entry>;

const bluetooth = {
  RadioUnavailable: ["The simulator's radio is not running.", "Start it with npm start, then try again.", "retry"],
  BluetoothOff: ["Bluetooth is switched off.", "Switch it on, then try again.", "retry"],
  BluetoothDenied: ["This page may not use Bluetooth.", "Allow it in the browser's site settings.", "retry"],
  BluetoothUnsupported: [
    "This browser has no Web Bluetooth.",
    "Use Chrome or Edge on Android or a desktop, at an https or localhost address.",
    "none",
  ],
  GestureNeeded: ["The browser shows its list of devices after a click only.", "Press the button.", "retry"],
  BadLabel: ["This is no label of a camera.", "Scan its QR code, or type name and proof by hand.", "label"],
  CameraNotFound: [
    "The camera is not nearby, or other phones are connected to it.",
    "Switch it on and come within a few metres; end what other phones do with it, or wait half a minute. Then look again.",
    "find",
  ],
  ConnectTimeout: ["The camera does not answer.", "Come nearer and try again.", "retry"],
  Disconnected: ["The connection to the camera was lost.", "Come nearer; then go on where it stopped.", "retry"],
  NotConnected: ["There is no connection to the camera.", "Connect to it again.", "retry"],
  NotACamera: ["This device is not a camera of this kind.", "Choose another one.", "find"],
  UnsupportedProtocol: [
    "This camera speaks another protocol than its label promises.",
    "Update its firmware, or choose another.",
    "find",
  ],
  WrongProof: [
    "The proof of possession does not fit this camera.",
    "Read the label again: it may be another camera's.",
    "label",
  ],
  LockedOut: ["There were too many wrong proofs.", "Wait until the camera allows another attempt.", "label"],
  Busy: [
    "The camera is busy.",
    "Another phone is connected to it, or a picture is on its way. End that, or try again shortly.",
    "retry",
  ],
  NoSession: ["The secure session has ended.", "Try again: it is opened anew.", "retry"],
  SessionLost: ["The secure session was lost.", "Try again: it is opened anew.", "retry"],
  Refused: ["The camera refused the request.", "Try again.", "retry"],
  GattError: ["Bluetooth reported an error.", "Try again; if it stays, switch the camera off and on.", "retry"],
  Timeout: ["The camera took too long to answer.", "Come nearer and try again.", "retry"],
  ScanFailed: ["The camera could not look for Wi-Fi networks.", "Try again.", "retry"],
  WiFiAuthError: ["The Wi-Fi password is wrong.", "Type it again.", "wifi"],
  WiFiNotFound: ["The camera does not hear this Wi-Fi.", "Bring it nearer to the router, or choose another.", "wifi"],
  WiFiFailed: ["The camera could not join the Wi-Fi.", "Check name and password, then try again.", "wifi"],
  WiFiTimeout: ["The camera did not join the Wi-Fi in time.", "Bring it nearer to the router and try again.", "wifi"],
  NetworkNeeded: ["The camera needs a Wi-Fi network.", "Choose one and type its password.", "wifi"],
} satisfies Record<string, Entry>;

const cloud = {
  NotYours: ["This camera belongs to somebody else.", "Its owner has to release it first, in this app.", "none"],
  NoSuchCamera: ["The cloud does not know this camera as yours.", "Set it up again.", "find"],
  TooManyCameras: ["You have as many cameras as an account may have.", "Release one of them first.", "none"],
  NotProven: [
    "The camera has not proven that you hold it.",
    "Update its firmware, then set it up again; whoever runs the account can bind an older camera to you.",
    "none",
  ],
  StaleNonce: ["The proof came too late, or was used before.", "Try again: the camera gives a new one.", "retry"],
  NoCertificate: ["The cloud made no certificate for the camera.", "Try again; if it stays, report it.", "retry"],
  BadRequest: ["The cloud did not understand the request.", "Reload the page; if it stays, report it.", "retry"],
  AccessDenied: ["The cloud does not allow this.", "Only one's own cameras and pictures can be used.", "none"],
  NoSuchPicture: ["The picture is not in the bucket.", "It may have been deleted; load the gallery again.", "retry"],
  NetworkUnavailable: ["The cloud cannot be reached.", "Check the internet connection, then try again.", "retry"],
  NoAnswer: ["Nobody answered in time.", "Try again.", "retry"],
  CameraOffline: ["The camera is not online.", "Check its power and its Wi-Fi, or come near it.", "retry"],
  CameraStaysOffline: [
    "The camera has what it needs, but does not come online.",
    "Check that its Wi-Fi reaches the internet, then try again.",
    "retry",
  ],
  IdentityRejected: [
    "The camera cannot connect with its new certificate.",
    "Check the cloud's endpoint and root certificate, then try again: a new certificate is made.",
    "retry",
  ],
  VersionConflict: ["The settings were changed elsewhere meanwhile.", "Look at them and save again.", "retry"],
  Throttled: ["The cloud asks for patience.", "Wait a few seconds, then try again.", "retry"],
  UploadFailed: ["The picture did not reach the bucket.", "Send it again; the camera still has it.", "retry"],
  CloudRefused: ["The cloud refused the request.", "Try again; the activity list has its own words.", "retry"],
  Closed: ["The connection was closed.", "Reload the page.", "retry"],
} satisfies Record<string, Entry>;

const camera = {
  NoSuchPhoto: ["The camera no longer has this picture.", "Take another one.", "retry"],
  NoThumbnail: ["This picture has no thumbnail.", "Wait for the picture itself.", "none"],
  BadResolution: ["This camera cannot take pictures of this size.", "Choose another size.", "retry"],
  BadQuality: ["This camera has no such quality.", "Choose another one.", "retry"],
  NoKey: ["The camera no longer has the key of this certificate.", "Try again: it makes a new one.", "retry"],
  BadKey: ["The camera cannot use the key that it was given.", "Try again.", "retry"],
  BadCertificate: ["The camera cannot use the certificate.", "Try again: a new one is made.", "retry"],
  BadRoots: [
    "The camera cannot use the cloud's root certificate.",
    "Whoever runs the cloud has to correct it in the settings file.",
    "none",
  ],
  BadField: ["The camera did not understand the request.", "Update the app or the camera's firmware.", "none"],
  NoCamera: ["The camera's sensor does not answer.", "Check its supply and its wires.", "retry"],
  BusError: ["The camera's sensor cannot be reached.", "Check its wires; switch the camera off and on.", "retry"],
  UnknownSensor: ["The camera has a sensor that it does not know.", "Use an Arducam Mega.", "none"],
  CaptureTimeout: ["The sensor never finished the picture.", "Try again; switch the camera off and on.", "retry"],
  IdleTimeout: ["The sensor stays busy.", "Try again; switch the camera off and on.", "retry"],
  AbsurdLength: ["The sensor delivered nonsense.", "Try again; if it stays, check its wires.", "retry"],
  DarkFrame: ["The sensor delivered nothing but one colour.", "Try again; if it stays, check its wires.", "retry"],
  BadFrame: ["What the sensor delivered is no picture.", "Try again; if it stays, check its wires.", "retry"],
  CameraReset: ["The sensor lost its power.", "Try again; if it stays, use a stronger supply.", "retry"],
  StaleFrame: ["The camera has taken another picture since.", "Take this one again.", "retry"],
  NoGrant: ["The camera got no permission to upload.", "Try again in a moment.", "retry"],
  GrantRefused: ["The cloud did not let the camera upload.", "Check that the camera is bound to you.", "retry"],
  Cancelled: ["You stopped this.", "Go on whenever you like.", "retry"],
  AlreadyRunning: ["This is already under way.", "Wait until it has ended.", "none"],
} satisfies Record<string, Entry>;

type KnownCode = AccountErrorCode | PhoneCloudErrorCode | FlowErrorCode | PhoneErrorCode;

const known = { ...camera, ...bluetooth, ...cloud, ...signIn } satisfies Record<KnownCode, Entry>;
const texts: Record<string, Entry> = known;

/** The camera says in its own words what exactly is wrong. */
const explained = ["BadKey", "BadCertificate", "BadRoots", "IdentityRejected", "CameraStaysOffline"];

/** What to tell a person about an error of this library; also for errors of anybody else. */
export function adviceFor(error: unknown): Advice {
  const code = codeOf(error);
  const message = error instanceof Error ? error.message : String(error);
  const [text, next, action] = Object.hasOwn(texts, code)
    ? texts[code]
    : ([`Something went wrong: ${message}`, "Try again; if it stays, the activity list tells more.", "retry"] as Entry);
  const what = explained.includes(code) ? `${text.slice(0, -1)}: ${message}.` : text;
  const wait = (error as { retryAfter?: number } | undefined)?.retryAfter;
  return { code, what, next, action, ...(wait === undefined ? {} : { wait }) };
}

/** Codes that have words of their own. */
export const knownCodes: readonly string[] = Object.keys(texts);
