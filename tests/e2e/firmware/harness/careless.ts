/** Cases that the harness does not let pass, and one that it does. */
import Listener from "embedded:io/socket/listener";
import Timer from "timer";
import { after, equal, test } from "../../../unit/harness";

test("a timer is left", () => {
  Timer.repeat(() => {}, 3_600_000);
  equal(1, 1);
});

test("a socket is left", () => {
  new Listener({ port: 0, onReadable() {} } as never);
  equal(1, 1);
});

test("nothing is checked", () => {});

test("all is closed", () => {
  const timer = Timer.repeat(() => {}, 3_600_000);
  after(() => Timer.clear(timer));
  equal(1, 1);
});
