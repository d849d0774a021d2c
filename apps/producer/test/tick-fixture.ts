import { startOrAdjustBackfill } from "@reembed/migration/backfill";
import { EmbedQueue } from "@reembed/queue";
import type { Database } from "@reembed/store/database";
import { readPendingChunks, upsertEmbeddings } from "@reembed/store/embeddings";
import { type RegisteredProfile, readProfile } from "@reembed/store/profiles";
import type { BackfillSettings } from "@reembed/store/progress";
import { openTestDatabase, storeBodies, type TestServers, testProfile } from "@reembed/testing";
import { sql } from "drizzle-orm";
import type { TickSettings } from "../src/allowance.ts";
import { type TickReport, tick } from "../src/tick.ts";

export const profile = testProfile("mini-m3");
/** Six chunks of the backfill at a time. */
export const settings: TickSettings = { batchSize: 2, maxQueuedJobs: 3, tickMs: 1_000 };

/** A database with one profile, and its queue. */
export class TickFixture implements AsyncDisposable {
  readonly servers: TestServers;
  readonly database: Database;
  readonly queue: EmbedQueue;
  readonly #opened: AsyncDisposableStack;

  private constructor(servers: TestServers, database: Database, queue: EmbedQueue, opened: AsyncDisposableStack) {
    this.servers = servers;
    this.database = database;
    this.queue = queue;
    this.#opened = opened;
  }

  static async open(servers: TestServers): Promise<TickFixture> {
    await using scope = new AsyncDisposableStack();
    const database = scope.use(await openTestDatabase(servers, [profile]));
    const queue = scope.use(new EmbedQueue(servers.queue, profile.name, () => {}));
    return new TickFixture(servers, database, queue, scope.move());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#opened.disposeAsync();
  }

  /** Removes what a test leaves behind. */
  async reset(): Promise<void> {
    await this.database.execute(sql`delete from reembed.documents`);
    await this.database.execute(sql`delete from reembed.search_events`);
    await this.database.execute(sql`
      update reembed.profiles set state = 'registered', backfill_cursor = 0, backfill_target = 0, held = null,
        backfill_order = 'id', backfill_until = null, backfill_rate = null, paused = false`);
    await this.queue.bullmq.obliterate({ force: true });
  }

  async tick(changed?: Partial<TickSettings>): Promise<TickReport> {
    return await tick(this.database, this.queue, profile.name, { ...settings, ...changed });
  }

  async start(changed?: Partial<BackfillSettings>): Promise<void> {
    const chosen = { order: "id", until: null, rate: null, ...changed } as const;
    await startOrAdjustBackfill(this, await this.profile(), chosen, { by: "anna", reason: "" });
  }

  async profile(): Promise<RegisteredProfile> {
    return await readProfile(this.database, profile.name);
  }

  /** Stores documents `text 0`, `text 1` and so on, with one chunk each. */
  async store(count: number): Promise<void> {
    await storeBodies(
      this.database,
      Array.from({ length: count }, (_, index) => `text ${index}`),
    );
  }

  async chunkIds(): Promise<number[]> {
    const relation = sql.raw((await this.profile()).relation);
    const { rows } = await this.database.execute<{ id: string }>(sql`select id from ${relation} order by id`);
    return rows.map((row) => Number(row.id));
  }

  /** The chunk of the document with this title. */
  async chunkOf(title: string): Promise<number> {
    const { rows } = await this.database.execute<{ id: string }>(sql`
      select c.id from ${sql.raw((await this.profile()).relation)} c
      join reembed.documents d on d.id = c.document_id where d.title = ${title}`);
    return Number(rows[0]?.id);
  }

  async edit(title: string, text: string): Promise<void> {
    const id = await this.chunkOf(title);
    const relation = sql.raw((await this.profile()).relation);
    await this.database.execute(sql`update ${relation} set content = ${text} where id = ${id}`);
  }

  /** Ids of queued chunks that no worker is processing, in the order in which workers take them. */
  async queuedIds(): Promise<number[]> {
    const jobs = await this.queue.bullmq.getJobs(["waiting", "prioritized"], 0, -1, true);
    return jobs.flatMap((job) => job.data.chunkIds);
  }

  /** Gives these chunks a vector. Returns the ids of those that had none. */
  async embed(chunkIds: readonly number[]): Promise<number[]> {
    const registered = await this.profile();
    const pending = await readPendingChunks(this.database, registered, chunkIds);
    const vector = new Float32Array(1024).fill(1 / 32);
    const embedded = pending.map(({ id, contentHash }) => ({ chunkId: id, contentHash, vector }));
    return await upsertEmbeddings(
      this.database,
      registered,
      embedded.map((chunk) => ({ ...chunk, tokenCount: 1, truncatedTokens: 0 })),
    );
  }

  /** Does the workers' work: every queued chunk gets a vector. Returns the ids that had none. */
  async embedQueued(): Promise<number[]> {
    const chunkIds = await this.queuedIds();
    await this.queue.bullmq.obliterate({ force: true });
    return await this.embed(chunkIds);
  }

  /** Ticks and embeds until the profile is complete; returns the reports. */
  async finish(): Promise<TickReport[]> {
    const reports: TickReport[] = [];
    while (reports.at(-1)?.state !== "complete") {
      if (reports.length > 50) throw new Error(`no end: ${JSON.stringify(reports.at(-1))}`);
      reports.push(await this.tick());
      await this.embedQueued();
    }
    return reports;
  }
}
