import { loadConfig } from "@reembed/config";
import { modelKey } from "@reembed/core";
import { startProducer } from "@reembed/producer";
import { EmbedQueue, startEmbedWorker } from "@reembed/queue";
import { createLogger, createMetrics, startTelemetry } from "@reembed/runtime";
import { startSearch } from "@reembed/search";
import type { Database } from "@reembed/store/database";
import { readProfile } from "@reembed/store/profiles";
import { readCoverage } from "@reembed/store/progress";
import { changeRollout, ensureRollout, readRollout } from "@reembed/store/rollout";
import {
  describeOnEachServer,
  HashingEmbedder,
  openTestDatabase,
  storeBodies,
  type TestServers,
  testProfile,
  waitFor,
} from "@reembed/testing";
import { OtlpReceiver } from "@reembed/testing/telemetry";
import { startWorker } from "@reembed/worker";
import { sql } from "drizzle-orm";
import { beforeAll, expect, test, vi } from "vitest";

const baseline = testProfile("mini-rubert");
const candidate = testProfile("mini-m3");
const log = createLogger("silent");
const bodies = ["wages come on the fifth", "leave is asked for in writing"];

describeOnEachServer(
  "with a collector",
  (open) => {
    let servers: TestServers;
    let database: Database;
    let collector: OtlpReceiver;
    beforeAll(async () => {
      const scope = new AsyncDisposableStack();
      servers = await open();
      database = scope.use(await openTestDatabase(servers, [baseline, candidate]));
      collector = scope.use(await OtlpReceiver.start());
      const environment = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint, OTEL_RESOURCE_ATTRIBUTES: "team=a" };
      for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
      scope.defer(() => void vi.unstubAllEnvs());
      const quick = { OTEL_BSP_SCHEDULE_DELAY: "50", OTEL_METRIC_EXPORT_INTERVAL: "100" };
      const { telemetry } = loadConfig({ ...environment, ...quick, OTEL_EXPORTER_OTLP_PROTOCOL: "http/json" });
      scope.use(await startTelemetry(telemetry.wanted, { service: "reembed-test", log }));
      return () => scope.disposeAsync();
    });

    const produce = async () => {
      const settings = { batchSize: 16, maxQueuedJobs: 20, tickMs: 200, lockDurationMs: 10_000 };
      return await startProducer({ database, queue: servers.queue, ...settings, log });
    };
    const work = async (beforeMicroBatch: () => Promise<void> = async () => {}) => {
      const profile = await readProfile(database, candidate.name);
      const embedder = new HashingEmbedder({ model: candidate.model, microBatchSize: 1, beforeMicroBatch });
      const options = { profile, embedder, concurrency: 1, lockDurationMs: 10_000, log };
      return await startWorker({ database, queue: servers.queue, ...options });
    };
    const embedded = async () => {
      const { pending, changes } = await readCoverage(database, await readProfile(database, candidate.name));
      return pending === 0 && changes === 0;
    };

    test("one trace leads from edits to their vectors, also if another worker finishes the batch", async () => {
      await storeBodies(database, bodies);
      await using _producer = await produce();
      {
        await using _worker = await work();
        await waitFor("the backfill", embedded);
      }
      await database.execute(sql`update reembed.chunks set content = content || ' indeed'
        where chunking = ${(await readProfile(database, candidate.name)).chunking}`);

      const reached = Promise.withResolvers<void>();
      const stopped = Promise.withResolvers<void>();
      const first = await work(async () => {
        reached.resolve();
        await stopped.promise;
      });
      await reached.promise;
      const ended = first[Symbol.asyncDispose]();
      stopped.resolve();
      await ended;
      await using _second = await work();
      await waitFor("the edits' vectors", embedded);

      const enqueued = await waitFor("the trace", () =>
        collector.spans.find(
          ({ name, attributes, traceId }) =>
            name === "enqueue" &&
            attributes["reembed.kind"] === "changes" &&
            collector.named(`process embed-${candidate.name}`, traceId).length === 2,
        ),
      );
      expect(enqueued).toMatchObject({
        ...{ parentSpanId: "", service: "reembed-test" },
        attributes: { "reembed.profile": candidate.name, "reembed.chunks": 2, "reembed.batches": 1 },
      });
      expect(enqueued.attributes["reembed.oldest_edit_seconds"]).toBeGreaterThan(0);
      const { traceId } = enqueued;
      const [added] = collector.named(`addBulk embed-${candidate.name}`, traceId);
      expect(added?.parentSpanId).toBe(enqueued.spanId);
      const processed = collector.named(`process embed-${candidate.name}`, traceId);
      expect(processed.map(({ parentSpanId }) => parentSpanId)).toEqual([added?.spanId, added?.spanId]);
      const batches = collector.named("embed batch", traceId);
      expect(batches.map(({ parentSpanId }) => parentSpanId)).toEqual(processed.map(({ spanId }) => spanId));
      expect(batches.map(({ attributes }) => attributes["error.type"])).toEqual(["BatchHandedBack", undefined]);
      expect(batches[1]?.attributes).toMatchObject({
        ...{ "reembed.profile": candidate.name, "reembed.chunking": candidate.chunking && expect.any(String) },
        ...{ "reembed.kind": "changes", "reembed.device": "none", "reembed.chunks": 2, "reembed.attempt": 2 },
        ...{ "reembed.embedded": 1, "reembed.stale": 0, "reembed.quarantined": 0 },
        "reembed.waited_seconds": expect.any(Number),
      });
      const below = ["read", "embed", "store"].map((name) => collector.named(name, traceId).length);
      expect(below).toEqual([2, 2, 2]);
      const embeds = collector.named("embed", traceId);
      expect(embeds[1]?.attributes).toMatchObject({ "reembed.micro_batches": 1, "reembed.tokens": expect.any(Number) });
    });

    test("a batch that fails is retried in its trace, and the reason stays out of it", async () => {
      const onError = () => {};
      await using queue = new EmbedQueue(servers.queue, "retried", onError);
      await queue.enqueue([{ profile: "retried", kind: "backfill", chunkIds: [1] }]);
      let attempts = 0;
      const done = Promise.withResolvers<void>();
      const embed = async () => {
        if (++attempts === 1) throw new Error("for a reason that nobody may see");
        done.resolve();
        return { embedded: 1, reused: 0, stale: 0, quarantined: 0, tokens: 1, truncatedTokens: 0 };
      };
      const worker = startEmbedWorker(servers.queue, "retried", embed, {
        concurrency: 1,
        lockDurationMs: 10_000,
        onError,
      });
      await waitFor("the delay", async () => (await queue.counts()).delayed === 1);
      await queue.promoteForgotten(0);
      await done.promise;
      await worker.close();
      const added = await waitFor("the trace", () =>
        collector.spans.find(({ name }) => name === "addBulk embed-retried"),
      );
      const { traceId } = added;
      const processed = await waitFor("both attempts", () => {
        const found = collector.named("process embed-retried", traceId);
        return found.length === 2 ? found : undefined;
      });
      const [delayed] = collector.named("delay embed-retried", traceId);
      expect(delayed?.parentSpanId).toBe(processed[0]?.spanId);
      expect(processed.map(({ parentSpanId }) => parentSpanId)).toEqual([added.spanId, added.spanId]);
    });

    test("one trace leads from a request, in the trace of its caller, to the answer and to its shadow", async () => {
      await ensureRollout(database, { baseline: candidate.name, candidate: baseline.name });
      const rollout = await readRollout(database);
      const shadowed = { ...rollout, stage: "shadow" as const, shadowPercent: 100 };
      await changeRollout(database, rollout, shadowed, { by: "a test", reason: "a test" });
      await database.execute(sql`update reembed.profiles set state = 'backfilled', completed_at = now()`);
      const embedders = new Map(
        [baseline, candidate].map(({ model }) => [modelKey(model.id, model.revision), new HashingEmbedder({ model })]),
      );
      const { guardrails } = loadConfig({});
      await using search = await startSearch({
        database,
        embedders,
        guardrails,
        metrics: createMetrics(),
        log,
        port: 0,
      });
      const caller = { traceId: "4bf92f3577b34da6a3ce929d0e0e4736", spanId: "00f067aa0ba902b7" };
      const response = await fetch(new URL("/v1/search", search.url), {
        method: "POST",
        headers: {
          "content-type": "application/json",
          traceparent: `00-${caller.traceId}-${caller.spanId}-01`,
          baggage: "customer=whoever-it-is",
        },
        body: JSON.stringify({ query: "a question that nobody may see", threshold: -1 }),
      });
      expect(response.status).toBe(200);
      const { traceId } = caller;
      const shadow = await waitFor("the shadow", () => collector.named("shadow", traceId)[0]);
      const server = await waitFor("the request", () => collector.named("POST /v1/search", traceId)[0]);
      expect(response.headers.get("traceresponse")).toBe(`00-${traceId}-${server.spanId}-01`);
      expect(server).toMatchObject({
        parentSpanId: caller.spanId,
        attributes: {
          ...{ "http.request.method": "POST", "http.route": "/v1/search", "http.response.status_code": 200 },
          ...{ "reembed.profile": candidate.name, "reembed.stage": "shadow", "reembed.results": 2 },
        },
      });
      expect(shadow.parentSpanId).toBe(server.spanId);
      for (const name of ["embed query", "search vectors"]) {
        const parents = collector.named(name, traceId).map(({ parentSpanId }) => parentSpanId);
        expect(parents).toEqual([server.spanId, shadow.spanId]);
      }
    });

    test("BullMQ's metrics are sent too", async () => {
      await waitFor("the metrics", () => collector.metrics.has("bullmq.jobs.completed"));
      expect(collector.metrics).toContain("bullmq.job.duration");
    });

    test("nothing that is sent has a text, a query, baggage or the address of a server", () => {
      const sent = collector.bodies.join("\n");
      expect(sent).toContain("reembed.chunks");
      const secrets = [
        "wages",
        "leave is",
        "indeed",
        "nobody may see",
        "whoever",
        servers.connectionString,
        "postgres:",
      ];
      for (const secret of secrets) expect(sent).not.toContain(secret);
    });
  },
  ["PostgreSQL", "PostgreSQL and Redis"],
);
