import { Job } from "bullmq";

/**
 * BullMQ's job, which can be read even if its data are not JSON: they are then the text itself. BullMQ alone throws when
 * it reads such a job, so that no worker could fail it and nothing could list its queue.
 */
class ReadableJob extends Job {
  static override fromJSON<Data, Result, Name extends string>(
    ...[queue, json, jobId]: Parameters<typeof Job.fromJSON>
  ): Job<Data, Result, Name> {
    const data = isJson(json.data) ? json.data : JSON.stringify(json.data);
    return Job.fromJSON<Data, Result, Name>(queue, { ...json, data }, jobId);
  }
}

/** Used in place of BullMQ's own class. */
export const readableJob = ReadableJob as typeof Job;

function isJson(text: string): boolean {
  try {
    JSON.parse(text || "{}");
    return true;
  } catch {
    return false;
  }
}
