import type { Database } from "@reembed/store/database";
import { drizzle } from "drizzle-orm/node-postgres";
import type pg from "pg";
import { prepared } from "./prepared.ts";

/** Where a request gets lost: on its way to the server, which never sees it, or its answer on the way back. */
export type Loss = "request" | "answer";

type Operation = (loss?: Loss) => Promise<void>;

/**
 * A producer, a worker or an operator's command that runs one step at a time. Every statement, every call of the queue
 * and every run of the model is a step: the process waits before it until the simulation lets it go on. So it can be
 * stopped, killed or cut off between any two of them, and others can run in between.
 */
export class SimulatedProcess {
  readonly name: string;
  readonly database: Database;
  /** Chunks that nobody else knows of while this process lives: of a worker's batch, or taken out of the queue. */
  readonly holding: number[] = [];
  state: "running" | "ended" | "killed" = "running";
  error: unknown;
  /** A request was lost: the process may end with an error, and may have left something half done. */
  wasCutOff = false;
  steps = 0;
  readonly #client: pg.Client;
  readonly #waiting: Operation[] = [];
  #arrival = Promise.withResolvers<void>();
  #inTransaction = false;

  constructor(name: string, client: pg.Client, main: (process: SimulatedProcess) => Promise<void>) {
    this.name = name;
    this.#client = client;
    const connection = {
      query: (config: pg.QueryConfig, values?: unknown[]) => this.pass(() => this.#query(config, values)),
      options: { connectionString: "postgres://simulation" },
    };
    this.database = drizzle(connection as unknown as pg.Pool) as unknown as Database;
    main(this).then(
      () => this.#end("ended"),
      (error: unknown) => {
        this.error = error;
        this.#end("ended");
      },
    );
  }

  /** Does something outside of the process when its turn comes. */
  pass<T>(operation: () => Promise<T> | T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.state !== "running") return;
      this.#waiting.push(async (loss) => {
        try {
          const value = loss === "request" ? undefined : await operation();
          if (loss !== undefined) throw connectionLost();
          if (this.state === "running") resolve(value as T);
        } catch (error) {
          // With its connection PostgreSQL loses the transaction that is open on it.
          if (loss !== undefined) await this.#rollBack();
          reject(error);
        }
      });
      this.#arrival.resolve();
    });
  }

  /** Runs so many steps, or to the end. What is left of a transaction is run too, unless the process is to be killed. */
  async run(steps = Number.POSITIVE_INFINITY, { mayStopInTransaction = false } = {}): Promise<void> {
    for (let step = 0; this.state === "running"; step++) {
      if (step >= steps && (mayStopInTransaction || !this.#inTransaction)) return;
      await this.#step();
    }
  }

  /** Loses the next request or its answer, and with it the transaction that is open. */
  async lose(loss: Loss): Promise<void> {
    if (this.state !== "running") return;
    this.wasCutOff = true;
    await this.#step(loss);
  }

  async kill(): Promise<void> {
    if (this.state !== "running") return;
    this.die();
    await this.#rollBack();
  }

  /** As `kill`, from within a step. */
  die(): void {
    this.#end("killed");
  }

  async #step(loss?: Loss): Promise<void> {
    await this.#arrived();
    const operation = this.#waiting.shift();
    if (operation === undefined) return;
    this.steps++;
    this.#arrival = Promise.withResolvers();
    await operation(loss);
    await this.#arrived();
  }

  /** Between two steps a process only computes: it comes to the next one, or to its end, without waiting for anything. */
  async #arrived(): Promise<void> {
    if (this.state === "running" && this.#waiting.length === 0) await this.#arrival.promise;
  }

  async #query(config: pg.QueryConfig, values?: unknown[]): Promise<pg.QueryResult> {
    const result = await this.#client.query(prepared(config), values);
    if (/^begin/i.test(config.text)) this.#inTransaction = true;
    if (/^(commit|rollback)/i.test(config.text)) this.#inTransaction = false;
    return result;
  }

  async #rollBack(): Promise<void> {
    if (!this.#inTransaction) return;
    this.#inTransaction = false;
    await this.#client.query("rollback");
  }

  #end(state: "ended" | "killed"): void {
    if (this.state !== "running") return;
    this.state = state;
    this.#waiting.length = 0;
    this.#arrival.resolve();
  }
}

/** What node-postgres and ioredis say when a server hangs up. */
function connectionLost(): Error {
  return Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" });
}
