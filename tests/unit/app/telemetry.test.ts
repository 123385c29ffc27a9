import { Telemetry } from "../../../modules/app/telemetry";
import { equal, sleep, test, turns, until } from "../harness";

class Host {
  telemetryInterval = 5;
  reports: string[] = [];
  fails = false;
  count = 0;

  collectTelemetry(): object {
    this.count += 1;
    return { count: this.count };
  }

  async publishTelemetry(payload: string): Promise<void> {
    this.reports.push(payload);
    if (this.fails) throw new Error("offline");
  }
}

test("a report is made at once, then at a steady pace, until it is stopped", async () => {
  const host = new Host();
  const telemetry = new Telemetry(host);
  telemetry.start();
  equal(host.reports, ['{"count":1}']);
  await until(() => host.reports.length >= 3);
  equal(host.reports.slice(0, 3), ['{"count":1}', '{"count":2}', '{"count":3}'], "each is made when it is sent");
  telemetry.stop();
  const { length } = host.reports;
  await sleep(3 * host.telemetryInterval);
  equal(host.reports.length, length);
  telemetry.stop();
});

test("a report that fails is not repeated, and keeps nobody from making the next one", async () => {
  const host = new Host();
  host.fails = true;
  const telemetry = new Telemetry(host);
  telemetry.start();
  await turns(2);
  equal(host.reports[0], '{"count":1}');
  await until(() => host.reports.length >= 2);
  telemetry.stop();
});

test("one that is started again has one pace: that of the interval that is set now", async () => {
  const host = new Host();
  const telemetry = new Telemetry(host);
  telemetry.start();
  host.telemetryInterval = 3_600_000;
  telemetry.start();
  equal(host.reports.length, 2);
  await sleep(20);
  equal(host.reports.length, 2, "the first pace is over");
  telemetry.stop();
});
