import type { Database } from "@reembed/store/database";
import { drizzle } from "drizzle-orm/node-postgres";
import type pg from "pg";
import { prepared } from "./prepared.ts";

/** Where a request is lost: before it reaches the server, or its answer on the way back. */
export type Loss = "request" | "answer";

type Operation = (loss?: Loss) => Promise<void>;

/**
 * A producer, a worker or an operator's command that runs one step at a time. Every statement, every call of the queue and
 * every run of the model is a step: the process waits before it until the simulation continues it. So it can be stopped,
 * killed or disconnected between any two steps, and other processes can run in between.
 */
export class SimulatedProcess {
  readonly name: string;
  readonly database: Database;
  /** Chunks that only this process knows about while it lives: of a worker's batch, or withdrawn from the queue. */
  readonly holding: number[] = [];
  state: "running" | "ended" | "killed" = "running";
  error: unknown;
  /** Whether a request was lost: the process may then end with an error, and leave work half done. */
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

  /** Performs an operation outside of the process when its turn comes. */
  pass<T>(operation: () => Promise<T> | T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.state !== "running") return;
      this.#waiting.push(async (loss) => {
        try {
          const value = loss === "request" ? undefined : await operation();
          if (loss !== undefined) throw connectionLost();
          if (this.state === "running") resolve(value as T);
        } catch (error) {
          // When its connection breaks, PostgreSQL rolls back its open transaction.
          if (loss !== undefined) await this.#rollBack();
          reject(error);
        }
      });
      this.#arrival.resolve();
    });
  }

  /** Runs a number of steps, or to the end. An open transaction is completed too, unless the process is to be killed. */
  async run(steps = Number.POSITIVE_INFINITY, { mayStopInTransaction = false } = {}): Promise<void> {
    for (let step = 0; this.state === "running"; step++) {
      if (step >= steps && (mayStopInTransaction || !this.#inTransaction)) return;
      await this.#step();
    }
  }

  /** Loses the next request or its answer, and with it the open transaction. */
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

  /** The same as `kill`, from within a step. */
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

  /** Between two steps a process only computes: it reaches the next step or its end without waiting for anything. */
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

/** The error of node-postgres and ioredis when a server closes the connection. */
function connectionLost(): Error {
  return Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" });
}
