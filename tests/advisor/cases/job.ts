import type { Bench, Case } from "../case.ts";
import { JobService } from "../job-service.ts";
import { check, type Outcome, pass } from "../verdict.ts";

const limit = 90_000;

/** The job is there before the device connects, and it is announced whenever the device subscribes to the news. */
async function execute(bench: Bench): Promise<Outcome> {
  const peer = await bench.connection();
  const thingName = peer.packets("CONNECT")[0]!.clientId!;
  const jobs = new JobService(thingName, bench.settings.jobDocument);
  jobs.serve(peer);
  const earlier = peer.onPacket;
  peer.onPacket = (packet) => {
    earlier?.(packet);
    const filters = packet.name === "SUBSCRIBE" ? packet.filters! : [];
    if (!jobs.isFinished && filters.some(({ topic }) => topic.includes("/jobs/notify"))) jobs.announce(peer);
  };
  await peer.until(() => (jobs.isFinished ? true : undefined), limit);
  check(jobs.reports.length, `the device asked for no job on $aws/things/${thingName}/jobs in ${limit / 1000} s`);
  check(jobs.isFinished, `the job is still ${jobs.status} after ${limit / 1000} s`);
  check(jobs.status === "SUCCEEDED", `the device reported ${jobs.status} ${JSON.stringify(jobs.details)}`);
  return pass(jobs.reports.join(", "));
}

export const jobCases: Case[] = [{ id: "Job_Execution", category: "Job", run: execute }];
