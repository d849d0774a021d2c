import { ReembedError } from "@reembed/core";
import { createLogger, type Logger } from "@reembed/runtime";
import { type RegisteredProfile, readProfile } from "@reembed/store/profiles";
import pg from "pg";
import type { Corpus } from "./corpus.ts";
import { SimulatedProcess } from "./simulated-process.ts";
import { SimulatedQueue } from "./simulated-queue.ts";

/** Maximum number of living processes; each has its own connection. */
const processesAtMost = 5;

/** A corpus with connections for its processes. One sequence of events after another uses it. */
export interface Stage extends AsyncDisposable {
  corpus: Corpus;
  connections: pg.Client[];
  /** Read once, as a worker does at its start. */
  profile: RegisteredProfile;
  log: Logger;
}

export async function openStage(corpus: Corpus, connectionString: string): Promise<Stage> {
  const connections = Array.from({ length: processesAtMost }, () => new pg.Client({ connectionString }));
  await Promise.all(connections.map((connection) => connection.connect()));
  return {
    corpus,
    connections,
    profile: await readProfile(corpus.database, corpus.profile.name),
    log: createLogger("silent"),
    [Symbol.asyncDispose]: async () => {
      await Promise.all(connections.map((connection) => connection.end()));
    },
  };
}

/** The state of one sequence of events: a corpus that is empty at first, a queue, and processes. */
export class World {
  readonly stage: Stage;
  readonly happened: Record<string, number>;
  readonly queue = new SimulatedQueue(() => {
    this.lossy = true;
  });
  processes: SimulatedProcess[] = [];
  /** The texts of each existing document, the present one last. */
  readonly documents = new Map<number, number[]>();
  /** How many numbers were given to documents. */
  numbers = 0;
  /** How many workers died while they processed a chunk, by chunk. */
  readonly deaths = new Map<number, number>();
  /** Whether enqueued chunks were lost, so that a chunk before the cursor may be nowhere until the sweep. */
  lossy = false;
  /** Writes that no trigger recorded. */
  unseen = 0;
  /** How many of them came before a sweep that has compared everything. */
  swept = 0;
  /** The profile after the last event. */
  lastProfile: RegisteredProfile;
  readonly #connections: pg.Client[];
  readonly #connectionOf = new WeakMap<SimulatedProcess, pg.Client>();

  private constructor(stage: Stage, happened: Record<string, number>) {
    this.stage = stage;
    this.happened = happened;
    this.lastProfile = stage.profile;
    this.#connections = [...stage.connections];
  }

  /** @param happened Counts events. */
  static async begin(stage: Stage, happened: Record<string, number>): Promise<World> {
    // With the role of a replica, because triggers would take ten times as long.
    await stage.corpus.database.$client.query(`
      begin;
      set local session_replication_role = replica;
      ${stage.corpus.kind === "adopted" ? "delete from public.document_chunks;" : ""}
      delete from reembed.change_log; delete from reembed.sweeps; delete from reembed.documents; delete from reembed.chunks; delete from reembed.chunk_embeddings;
      delete from reembed.chunk_changes; delete from reembed.quarantined_chunks; delete from reembed.document_changes;
      delete from reembed.block_counts; delete from reembed.count_marks;
      insert into reembed.count_marks (kind, name)
        select 'chunks', name from reembed.chunkings union all select 'vectors', name from reembed.profiles;
      update reembed.profiles set state = 'registered', backfill_cursor = 0, backfill_target = 0, held = null,
        backfill_order = 'id', backfill_until = null, backfill_rate = null, paused = false, completed_at = null;
      commit`);
    return new World(stage, happened);
  }

  /** Writes that no trigger recorded and no sweep can have found. */
  get passedBy(): number {
    return this.unseen - this.swept;
  }

  get mayStart(): boolean {
    return this.#connections.length > 0;
  }

  start(name: string, main: (process: SimulatedProcess) => Promise<void>): SimulatedProcess {
    const connection = this.#connections.shift();
    if (connection === undefined) throw new RangeError("There are too many processes");
    const process = new SimulatedProcess(name, connection, main);
    this.processes.push(process);
    this.#connectionOf.set(process, connection);
    return process;
  }

  /**
   * Removes processes that have ended: records what died with them, and takes back their connections.
   * @throws The error of a process that ended without a lost connection.
   */
  bury(): void {
    for (const process of this.processes.filter(({ state }) => state !== "running")) {
      const connection = this.#connectionOf.get(process);
      if (connection !== undefined) this.#connections.push(connection);
      if (process.error !== undefined && !process.wasCutOff && !isRefusal(process.error)) throw process.error;
      const wasLost = process.state === "killed" || process.wasCutOff;
      if (process.name === "worker" && process.state === "killed") {
        for (const id of process.holding) this.deaths.set(id, (this.deaths.get(id) ?? 0) + 1);
      } else if (wasLost && process.holding.length > 0) this.lossy = true;
    }
    this.processes = this.processes.filter(({ state }) => state === "running");
  }

  /** PostgreSQL's clock cannot be set, so all stored times are moved the other way. */
  async shiftClock(seconds: number): Promise<void> {
    await this.stage.corpus.database.$client.query(
      `update reembed.chunk_changes set enqueued_until = enqueued_until - $1 * interval '1 second',
         changed_at = changed_at - $1 * interval '1 second'`,
      [seconds],
    );
  }

  async end(): Promise<void> {
    for (const process of this.processes) await process.kill();
    this.bury();
  }
}

/** Whether an operator's command came too late. */
function isRefusal(error: unknown): boolean {
  return error instanceof ReembedError && error.code === "backfill_over";
}
