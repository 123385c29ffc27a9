import { DateHeader, parseHTTPDate } from "../../../modules/network/http-date";
import { equal, test } from "../harness";

test("an HTTP date", () => {
  equal(parseHTTPDate("Sun, 06 Nov 1994 08:49:37 GMT"), Date.UTC(1994, 10, 6, 8, 49, 37));
  equal(parseHTTPDate("Mon, 30 Nov 2026 23:59:59 GMT"), Date.UTC(2026, 10, 30, 23, 59, 59));
  equal(parseHTTPDate("Thu, 29 Feb 2028 00:00:00 GMT"), Date.UTC(2028, 1, 29));
  const months = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");
  for (let i = 0; i < 12; i += 1) equal(parseHTTPDate(`Mon, 01 ${months[i]} 2027 00:00:00 GMT`), Date.UTC(2027, i, 1));
});

test("what is no HTTP date is none", () => {
  const wrong = [
    "",
    "Sunday, 06-Nov-94 08:49:37 GMT",
    "Sun Nov  6 08:49:37 1994",
    "Sun, 06 Nov 1994 08:49:37",
    "Sun, 06 Nov 1994 08:49:37 UTC",
    "Sun, 06 ovD 1994 08:49:37 GMT",
    "Sun, 06 Xyz 1994 08:49:37 GMT",
    "Sun, 00 Nov 1994 08:49:37 GMT",
    "Sun, 31 Nov 1994 08:49:37 GMT",
    "Mon, 29 Feb 2027 00:00:00 GMT",
    "Sun, 06 Nov 1994 24:00:00 GMT",
    "Sun, 06 Nov 1994 08:60:37 GMT",
    "Sun, 06 Nov 1994 08:49:60 GMT",
    " Sun, 06 Nov 1994 08:49:37 GMT",
    "Sun, 06 Nov 1994 08:49:37 GMT ",
    "Sun, 6 Nov 1994 08:49:37 GMT",
  ];
  for (const text of wrong) equal(parseHTTPDate(text), undefined, text);
});

const date = "Date: Mon, 30 Nov 2026 12:00:00 GMT";
const time = Date.UTC(2026, 10, 30, 12);

function read(text: string, piece = 1000): DateHeader {
  const header = new DateHeader();
  for (let i = 0; i < text.length; i += piece)
    header.write(new Uint8Array(ArrayBuffer.fromString(text.slice(i, i + piece))));
  return header;
}

test("the Date of an answer, whatever else it says, in pieces of any size", () => {
  const head = `HTTP/1.1 403 Forbidden\r\nX-Long: ${"x".repeat(300)}\r\n${date}\r\nServer: x\r\n\r\n`;
  for (const piece of [1, 2, 7, 1000]) equal([read(head, piece).time, read(head, piece).isOver], [time, true]);
  equal(read(`HTTP/1.0 200\ndate:Mon, 30 Nov 2026 12:00:00 GMT \n`).time, time);
});

test("a head without a Date, and what is no head", () => {
  for (const text of [
    "HTTP/1.1 200 OK\r\nServer: x\r\n\r\nDate: Mon, 30 Nov 2026 12:00:00 GMT\r\n",
    "HTTP/1.1 200 OK\r\nDate: yesterday\r\n",
    "HTTP/1.1 100 Continue\r\n",
    "HTTP/2 200\r\n",
    `${date}\r\n`,
    "SSH-2.0-x\r\n",
  ]) {
    const header = read(text);
    equal([header.time, header.isOver], [undefined, true], text);
  }
  equal(read("HTTP/1.1 200 OK\r\nDate: Mon, 30 Nov").isOver, false);
  equal(read(`HTTP/1.1 200 OK\r\nX-Date: ${"x".repeat(10)}\r\nNot-${date}\r\n\r\n`).time, undefined);
  // A line is cut at 64 bytes: a Date is shorter.
  const spaced = (length: number) => date.replace(": ", `: ${" ".repeat(length - date.length)}`);
  equal(read(`HTTP/1.1 200 OK\r\n${spaced(64)}\r\n`).time, time);
  equal(read(`HTTP/1.1 200 OK\r\n${spaced(65)}\r\n`).time, undefined);
  equal(read(`HTTP/1.1 200 OK\r\n${date}${" ".repeat(100)}\r\n`).time, time);
});
