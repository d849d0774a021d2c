import { isTransient, messageOf } from "@reembed/core";
import { buildRequestedIndex } from "@reembed/migration/index";
import type { Webhook } from "@reembed/migration/notices";
import { runTasks } from "@reembed/migration/tasks";
import { describeQueueServer, EmbedQueues, type QueueServer, startTickWorker, TickQueue } from "@reembed/queue";
import { type Logger, outlast, repeatEvery } from "@reembed/runtime";
import { explainAdopted } from "@reembed/store/adoption";
import { type Database, describeServer, type Retention } from "@reembed/store/database";
import { followDatabaseClock } from "@reembed/store/diagnosis";
import { readProfiles } from "@reembed/store/profiles";
import { recountBlocks } from "@reembed/store/progress";
import type { TickSettings } from "./allowance.ts";
import { cutChangedDocuments } from "./cut-changed-documents.ts";
import { removingExpired } from "./remove-expired.ts";
import { sendNotices } from "./send-notices.ts";
import { type TickReport, tick } from "./tick.ts";

export interface ProducerOptions extends TickSettings {
  database: Database;
  queue: QueueServer;
  tickMs: number;
  lockDurationMs: number;
  /** What people have changed of these settings, read before each tick. */
  readSettings?: (() => Promise<Omit<TickSettings, "tickMs">>) | undefined;
  /** Without it nothing is removed. */
  retention?: Retention | undefined;
  /** Where people are told what they must know; without it nobody is told. */
  webhook?: Webhook | undefined;
  /** The share of a profile's chunks that may be in quarantine before somebody is told; by default everything. */
  maxQuarantinedShare?: number;
  log: Logger;
}

/** What people are told may be some seconds old, and is read and sent by short statements. */
const noticesEveryMs = { watchEveryMs: 5_000, sendEveryMs: 1_000 };

/** Starts a producer. Any number may run: they share one schedule, and one of them makes each tick. */
export async function startProducer(options: ProducerOptions): Promise<AsyncDisposable> {
  const { database, log } = options;
  await using scope = new AsyncDisposableStack();
  const onError = (error: Error) => log.warn({ error: messageOf(error) }, "queue error");
  const queues = scope.use(new EmbedQueues(options.queue, onError));

  const removeExpired = options.retention && removingExpired(database, options.retention);

  // A rate is per interval of the schedule, which the producer that started last has set.
  const makeTick = async (tickMs = options.tickMs): Promise<TickReport[]> => {
    await cutChangedDocuments(database, log);
    const reports: TickReport[] = [];
    const failures: string[] = [];
    const settings = { ...options, ...(await options.readSettings?.()), tickMs };
    const attempt = async (what: string, work: () => Promise<void>) => {
      try {
        await work();
      } catch (error) {
        // It would fail for the next profile too.
        if (isTransient(error)) throw error;
        failures.push(`${what}: ${messageOf(explainAdopted(error) ?? error)}`);
      }
    };
    for (const { name } of await readProfiles(database)) {
      await attempt(name, async () => {
        const report = await tick(database, queues.of(name), name, settings);
        logReport(log, report);
        reports.push(report);
      });
    }
    await attempt("Progress cannot be counted", () => recountBlocks(database));
    await attempt("Expired rows cannot be removed", async () => {
      const removed = (await removeExpired?.()) ?? 0;
      if (removed > 0) log.info({ removed }, "expired rows removed");
    });
    if (failures.length > 0) throw new Error(failures.join("; "));
    return reports;
  };
  const ticks = scope.use(new TickQueue(options.queue, onError));
  const followClock = () =>
    followDatabaseClock(database, (wrong) => log.warn({ error: wrong }, "this host's clock is wrong"));
  // Before any time of this host's clock is written to the queue. The server may become unreachable again after the checks.
  const stopping = new AbortController().signal;
  await outlast(followClock, { log, server: describeServer(database), stopping });
  const worker = startTickWorker(options.queue, options.lockDurationMs, makeTick, onError);
  worker.on("failed", (_, error) => {
    // A transient error is harmless, because the next tick does the work of this one.
    if (isTransient(error)) log.warn({ error: messageOf(error) }, "tick failed; the next one will repeat its work");
    else log.error({ error: messageOf(error) }, "tick failed");
  });
  scope.defer(() => worker.close());

  const { tickMs: everyMs } = options;
  let awaited = "";
  const keepTicking = async () => {
    awaited = describeServer(database);
    await followClock();
    awaited = describeQueueServer(options.queue);
    if (await ticks.ensureScheduled(everyMs)) log.info({ everyMs }, "ticks scheduled");
  };
  const onIdle = (error: unknown) => log.warn({ error: messageOf(error) }, `ticks wait for ${awaited}`);
  scope.use(repeatEvery(everyMs, keepTicking, onIdle));
  scope.use(
    runTasks({
      ...{ database, kind: "index build", log },
      perform: (profile, performing) => buildRequestedIndex(database, profile, performing),
    }),
  );
  const { webhook, maxQuarantinedShare = 1 } = options;
  if (webhook !== undefined) scope.use(sendNotices({ database, webhook, maxQuarantinedShare, ...noticesEveryMs, log }));
  return scope.move();
}

function logReport(log: Logger, report: TickReport): void {
  const { profile, changes, backfill, gaps, state, completed } = report;
  if (completed) log.info({ profile }, "backfill complete");
  else if (changes + backfill + gaps > 0) log.info({ profile, changes, backfill, gaps }, "chunks enqueued");
  else log.debug({ profile, state }, "nothing enqueued");
}
