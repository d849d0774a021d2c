import type { EmbedBatch, EmbedQueue, QueueCounts } from "@reembed/queue";
import type { SimulatedProcess } from "./simulated-process.ts";

export interface SimulatedJob {
  id: string;
  data: EmbedBatch;
  state: "waiting" | "active" | "delayed";
  /** The worker that has it, while its lock is valid. */
  owner: SimulatedProcess | undefined;
  stalls: number;
  failures: number;
}

/** The limit that `EmbedQueue` gives to BullMQ. */
const attempts = 3;
const stallsAtMost = 5;

/** BullMQ's guarantees: jobs by priority, locks that expire, limited retries, and no duplicate among waiting jobs. */
export class SimulatedQueue {
  jobs: SimulatedJob[] = [];
  /** Completed batches, which may be delivered once more. */
  done: EmbedBatch[] = [];
  /** Called when a job is dropped for good. */
  readonly #onDropped: () => void;
  #ids = 0;

  constructor(onDropped: () => void) {
    this.#onDropped = onDropped;
  }

  /** The queue as one process sees it: each call is a step of that process. */
  seenBy(process: SimulatedProcess): EmbedQueue {
    const queue = {
      enqueue: (batches: readonly EmbedBatch[]) => process.pass(() => this.add(batches)),
      counts: () => process.pass(() => this.#counts()),
      promoteForgotten: () => process.pass(() => this.#promote()),
      bullmq: {
        getJobs: (states: readonly string[]) =>
          process.pass(() =>
            this.jobs.filter(({ state }) => states.includes(state)).map(({ id, data }) => ({ id, data })),
          ),
        remove: (id: string) => process.pass(() => this.#remove(id, process)),
      },
    };
    return queue as unknown as EmbedQueue;
  }

  add(batches: readonly EmbedBatch[]): void {
    for (const data of batches) {
      const id = `${++this.#ids}`;
      this.jobs.push({ id, data, state: "waiting", owner: undefined, stalls: 0, failures: 0 });
    }
  }

  /** Changes first. If nothing else is waiting, delayed jobs have waited long enough. */
  next(): SimulatedJob | undefined {
    const of = (state: SimulatedJob["state"], kind?: EmbedBatch["kind"]) =>
      this.jobs.find((job) => job.state === state && (kind === undefined || job.data.kind === kind));
    return of("waiting", "changes") ?? of("waiting") ?? of("delayed");
  }

  take(job: SimulatedJob, owner: SimulatedProcess): void {
    Object.assign(job, { state: "active", owner });
  }

  complete(job: SimulatedJob, owner: SimulatedProcess): void {
    if (job.owner !== owner) return;
    this.#drop(job);
    this.done.push(job.data);
  }

  handBack(job: SimulatedJob, owner: SimulatedProcess): void {
    if (job.owner === owner) Object.assign(job, { state: "waiting", owner: undefined });
  }

  fail(job: SimulatedJob, owner: SimulatedProcess): void {
    if (job.owner !== owner) return;
    job.failures++;
    Object.assign(job, { state: "delayed", owner: undefined });
    if (job.failures < attempts) return;
    this.#drop(job);
    this.#onDropped();
  }

  /** The lock was not renewed in time: another worker gets the job, even if the first one is still alive. */
  lapse(job: SimulatedJob): void {
    job.stalls++;
    Object.assign(job, { state: "waiting", owner: undefined });
    if (job.stalls <= stallsAtMost) return;
    this.#drop(job);
    this.#onDropped();
  }

  lose(): void {
    this.jobs = [];
  }

  #drop(dropped: SimulatedJob): void {
    this.jobs = this.jobs.filter((job) => job !== dropped);
  }

  #remove(id: string, process: SimulatedProcess): number {
    const job = this.jobs.find((candidate) => candidate.id === id);
    if (job === undefined || job.state === "active") return 0;
    this.#drop(job);
    process.holding.push(...job.data.chunkIds);
    return 1;
  }

  /** The minute after which a retry counts as forgotten may have passed at any time. */
  #promote(): void {
    for (const job of this.jobs) if (job.state === "delayed") job.state = "waiting";
  }

  #counts(): QueueCounts {
    const count = (state: SimulatedJob["state"]) => this.jobs.filter((job) => job.state === state).length;
    return { waiting: count("waiting"), active: count("active"), delayed: count("delayed"), failed: 0 };
  }
}
