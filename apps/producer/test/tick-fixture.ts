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

/** A database with one profile, and its queue. `reset` removes what a test leaves behind. */
export interface TickFixture extends AsyncDisposable {
  database: Database;
  queue: EmbedQueue;
  tick(changed?: Partial<TickSettings>): Promise<TickReport>;
  start(course?: Partial<BackfillSettings>): Promise<void>;
  profile(): Promise<RegisteredProfile>;
  /** Ids of queued chunks that no worker is processing, in the order in which workers take them. */
  queuedIds(): Promise<number[]>;
  chunkIds(): Promise<number[]>;
  /** The chunk of the document with this title. */
  chunkOf(title: string): Promise<number>;
  edit(title: string, text: string): Promise<void>;
  /** Gives these chunks a vector. Returns the ids of those that had none. */
  embed(chunkIds: readonly number[]): Promise<number[]>;
  /** Does the workers' work: every queued chunk gets a vector. Returns the ids that had none. */
  embedQueued(): Promise<number[]>;
  /** Ticks and embeds until the profile is complete; returns the reports. */
  finish(): Promise<TickReport[]>;
  reset(): Promise<void>;
  /** Stores documents `text 0`, `text 1` and so on, with one chunk each. */
  store(count: number): Promise<void>;
}

export async function openTickFixture(servers: TestServers): Promise<TickFixture> {
  await using scope = new AsyncDisposableStack();
  const database = scope.use(await openTestDatabase(servers, [profile]));
  const queue = scope.use(new EmbedQueue(servers.queue, profile.name, () => {}));
  const opened = scope.move();
  const fixture: TickFixture = {
    database,
    queue,
    tick: (changed) => tick(database, queue, profile.name, { ...settings, ...changed }),
    async start(course) {
      const registered = await readProfile(database, profile.name);
      await startOrAdjustBackfill({ database, queue }, registered, { order: "id", until: null, rate: null, ...course });
    },
    profile: () => readProfile(database, profile.name),
    async queuedIds() {
      const jobs = await queue.bullmq.getJobs(["waiting", "prioritized"], 0, -1, true);
      return jobs.flatMap((job) => job.data.chunkIds);
    },
    async chunkIds() {
      const relation = sql.raw((await this.profile()).relation);
      const { rows } = await database.execute<{ id: string }>(sql`select id from ${relation} order by id`);
      return rows.map((row) => Number(row.id));
    },
    async chunkOf(title) {
      const { rows } = await database.execute<{ id: string }>(sql`
        select c.id from ${sql.raw((await this.profile()).relation)} c
        join reembed.documents d on d.id = c.document_id where d.title = ${title}`);
      return Number(rows[0]?.id);
    },
    async edit(title, text) {
      const id = await this.chunkOf(title);
      const relation = sql.raw((await this.profile()).relation);
      await database.execute(sql`update ${relation} set content = ${text} where id = ${id}`);
    },
    async embed(chunkIds) {
      const registered = await this.profile();
      const pending = await readPendingChunks(database, registered, chunkIds);
      const vector = new Float32Array(1024).fill(1 / 32);
      const embedded = pending.map(({ id, contentHash }) => ({ chunkId: id, contentHash, vector }));
      return await upsertEmbeddings(
        database,
        registered,
        embedded.map((chunk) => ({ ...chunk, tokenCount: 1, truncatedTokens: 0 })),
      );
    },
    async embedQueued() {
      const chunkIds = await this.queuedIds();
      await queue.bullmq.obliterate({ force: true });
      return await this.embed(chunkIds);
    },
    async finish() {
      const reports: TickReport[] = [];
      while (reports.at(-1)?.state !== "complete") {
        if (reports.length > 50) throw new Error(`no end: ${JSON.stringify(reports.at(-1))}`);
        reports.push(await this.tick());
        await this.embedQueued();
      }
      return reports;
    },
    async reset() {
      await database.execute(sql`delete from reembed.documents`);
      await database.execute(sql`delete from reembed.search_events`);
      await database.execute(sql`
        update reembed.profiles set state = 'registered', backfill_cursor = 0, backfill_target = 0, held = null,
          backfill_order = 'id', backfill_until = null, backfill_rate = null, paused = false`);
      await queue.bullmq.obliterate({ force: true });
    },
    store: (count) =>
      storeBodies(
        database,
        Array.from({ length: count }, (_, index) => `text ${index}`),
      ),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
  return fixture;
}
