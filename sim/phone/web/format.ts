/** Figures as people read them, in the language of their browser. */

const number = (digits: number) => new Intl.NumberFormat(undefined, { maximumFractionDigits: digits });
const whole = number(0);
const oneDigit = number(1);

/** 1,234 bytes · 12.3 KB · 1.2 MB */
export function bytes(count: number): string {
  if (count < 10_000) return `${whole.format(count)} bytes`;
  if (count < 1_000_000) return `${oneDigit.format(count / 1000)} KB`;
  return `${oneDigit.format(count / 1_000_000)} MB`;
}

/** Of a picture that has no end: browsers show what there is of it. */
export const cutWords = "incomplete: the camera delivered only part of it";

/** Two amounts in the same unit: "45.1 of 180.3 KB". */
export function bytesOf(part: number, total: number): string {
  const [divisor, unit] = total < 10_000 ? [1, "bytes"] : total < 1_000_000 ? [1000, "KB"] : [1_000_000, "MB"];
  return `${oneDigit.format(part / divisor)} of ${oneDigit.format(total / divisor)} ${unit}`;
}

const clock = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit" });
const clockWithSeconds = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const longDay = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
const dayWithYear = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "long", year: "numeric" });
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });

export const time = (when: Date) => clock.format(when);
export const timeWithSeconds = (when: Date) => clockWithSeconds.format(when);

const startOfDay = (when: Date) => new Date(when.getFullYear(), when.getMonth(), when.getDate()).getTime();

/** "Today", "Yesterday", "Tuesday, 4 March" or, in another year, "4 March 2025". */
export function day(when: Date, now = new Date()): string {
  const days = Math.round((startOfDay(now) - startOfDay(when)) / 86_400_000);
  if (days === 0) return "Today";
  if (days === 1) return "Yesterday";
  return when.getFullYear() === now.getFullYear() ? longDay.format(when) : dayWithYear.format(when);
}

export const dayAndTime = (when: Date) => `${day(when)}, ${time(when)}`;

/** "just now", "3 minutes ago", "yesterday" */
export function ago(when: Date, now = new Date()): string {
  const seconds = Math.round((now.getTime() - when.getTime()) / 1000);
  if (seconds < 10) return "just now";
  if (seconds < 60) return relative.format(-seconds, "second");
  if (seconds < 3600) return relative.format(-Math.round(seconds / 60), "minute");
  if (seconds < 86_400) return relative.format(-Math.round(seconds / 3600), "hour");
  return relative.format(-Math.round(seconds / 86_400), "day");
}

/** "45 s", "12 min", "3 h 20 min", "5 days" */
export function duration(seconds: number): string {
  if (seconds < 60) return `${whole.format(Math.max(0, seconds))} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
  return `${whole.format(Math.floor(hours / 24))} days`;
}
