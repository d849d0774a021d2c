import { Job } from "bullmq";

/**
 * BullMQ's job, which is one even where its data are not JSON: then they are that text. BullMQ alone throws while it
 * reads such a job, so that a worker can never fail it, and nothing that lists the queue can be read.
 */
class ReadableJob extends Job {
  static override fromJSON<Data, Result, Name extends string>(
    ...[queue, json, jobId]: Parameters<typeof Job.fromJSON>
  ): Job<Data, Result, Name> {
    const data = isJson(json.data) ? json.data : JSON.stringify(json.data);
    return Job.fromJSON<Data, Result, Name>(queue, { ...json, data }, jobId);
  }
}

/** In place of BullMQ's own class. */
export const readableJob = ReadableJob as typeof Job;

function isJson(text: string): boolean {
  try {
    JSON.parse(text || "{}");
    return true;
  } catch {
    return false;
  }
}
