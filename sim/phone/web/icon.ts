import activity from "./icons/activity.svg?raw";
import alert from "./icons/alert.svg?raw";
import auto from "./icons/auto.svg?raw";
import back from "./icons/back.svg?raw";
import bluetooth from "./icons/bluetooth.svg?raw";
import camera from "./icons/camera.svg?raw";
import check from "./icons/check.svg?raw";
import cloud from "./icons/cloud.svg?raw";
import copy from "./icons/copy.svg?raw";
import cross from "./icons/cross.svg?raw";
import download from "./icons/download.svg?raw";
import eye from "./icons/eye.svg?raw";
import eyeOff from "./icons/eye-off.svg?raw";
import forward from "./icons/forward.svg?raw";
import info from "./icons/info.svg?raw";
import lock from "./icons/lock.svg?raw";
import mark from "./icons/mark.svg?raw";
import moon from "./icons/moon.svg?raw";
import pause from "./icons/pause.svg?raw";
import person from "./icons/person.svg?raw";
import pictures from "./icons/pictures.svg?raw";
import play from "./icons/play.svg?raw";
import plus from "./icons/plus.svg?raw";
import qr from "./icons/qr.svg?raw";
import radio from "./icons/radio.svg?raw";
import refresh from "./icons/refresh.svg?raw";
import signOut from "./icons/sign-out.svg?raw";
import sun from "./icons/sun.svg?raw";
import trash from "./icons/trash.svg?raw";

const sources = {
  activity,
  alert,
  auto,
  back,
  bluetooth,
  camera,
  check,
  cloud,
  copy,
  cross,
  download,
  eye,
  "eye-off": eyeOff,
  forward,
  info,
  lock,
  mark,
  moon,
  pause,
  person,
  pictures,
  play,
  plus,
  qr,
  radio,
  refresh,
  "sign-out": signOut,
  sun,
  trash,
};

export type IconName = keyof typeof sources;

/** An icon of the bundle. It says nothing to a screen reader: the words beside it, or the label of its button, do. */
export function icon(name: IconName): SVGElement {
  const svg = new DOMParser().parseFromString(sources[name], "image/svg+xml").documentElement as unknown as SVGElement;
  return document.importNode(svg, true);
}
