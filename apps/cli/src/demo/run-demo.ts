import { join } from "node:path";
import { activeProfiles, type Config, readAdjustable } from "@reembed/config";
import { ReembedError } from "@reembed/core";
import { startDashboard } from "@reembed/dashboard";
import { adoptTable } from "@reembed/migration/adopt";
import { chooseQueries, type EvaluationReport } from "@reembed/migration/evaluate";
import { handbook, readCorpus } from "@reembed/migration/load";
import { rechunkCorpus } from "@reembed/migration/rechunk";
import { guardOptions } from "@reembed/migration/rollout";
import { followSettings } from "@reembed/migration/settings";
import type { JudgedQuery } from "@reembed/retrieval/measures";
import type { Logger } from "@reembed/runtime";
import { type Database, dropTables } from "@reembed/store/database";
import { registerProfiles } from "@reembed/store/registration";
import { initialize, openServers, queueOf, type Services } from "../hosting/services.ts";
import { type Embedders, openEmbedders } from "../journey/embedders.ts";
import { beginBackfill, type CoveredProfile, startFleet, untilCovered } from "../journey/fleet.ts";
import { evaluateCandidate, verifyProfiles } from "../journey/prove.ts";
import { say } from "../journey/say.ts";
import { rollOut } from "./demo-rollout.ts";
import { buildOldSystem, dropOldSystem, oldTables } from "./old-system.ts";
import { countDocuments, countOtherDocuments, readTokens } from "./statements.ts";

/** Number of vectors that are embedded again when the demo adopts and when it verifies. */
const sample = 50;
const patienceMs = 120_000;

interface Found {
  ndcg10: number;
  recall10: number;
}

/** The last line of `npm run demo -- --json`. */
interface DemoResult {
  documents: number;
  /** Chunks of both chunkings. */
  chunks: number;
  embedded: number;
  quarantined: number;
  coverage: number;
  /** Speed of the candidate's backfill. */
  tokensPerSecond: number;
  elapsedMs: number;
  baseline: Found;
  candidate: Found;
  /** The rollout after the rollback. */
  rollout: { percent: number };
}

export interface Demo extends AsyncDisposable {
  result: DemoResult;
  profiles: CoveredProfile[];
  dashboardUrl: string;
  searchUrl: string;
}

/**
 * Runs a whole migration in this process. An old application's table is adopted, cut again, embedded through the queue,
 * verified, evaluated and rolled out to simulated people until an injected fault rolls them back. Dashboard, search,
 * producer and workers stay open until disposal.
 */
export async function runDemo(settings: Config, log: Logger): Promise<Demo> {
  await using scope = new AsyncDisposableStack();
  const services = scope.use(await openDemoServers(settings, log));
  const { config, database, queue } = services;
  const startedAt = performance.now();
  const embedders = await openEmbedders(config, { database, device: "cpu", log, scope });
  await migrateOldSystem(services, { embedders, log });

  const dashboard = scope.use(
    await startDashboard({
      ...{ database, queue, ...config.dashboard, log },
      guard: followSettings(database, config, guardOptions),
      steering: {
        readConfig: followSettings(database, config, (present) => present),
        given: readAdjustable(process.env),
      },
    }),
  );
  const tokensBefore = await readTokens(database);
  const embeddingSince = performance.now();
  await startFleet(services, embedders, { log, scope });
  await beginBackfill(services, "demo");
  say(`Embedding with ${config.candidate.name}; watch the progress at ${dashboard.url}`);
  const profiles = await untilCovered(database, activeProfiles(config), { patienceMs });
  const tokensPerSecond = perSecond((await readTokens(database)) - tokensBefore, embeddingSince);

  await verify(services, embedders);
  const { queries, report } = await evaluate(services, embedders);
  const search = await rollOut({ services, embedders, queries, scope });

  const sum = (of: "chunks" | "embedded" | "quarantined") =>
    profiles.reduce((total, profile) => total + profile[of], 0);
  const result: DemoResult = {
    documents: await countDocuments(database),
    chunks: sum("chunks"),
    embedded: sum("embedded"),
    quarantined: sum("quarantined"),
    coverage: sum("embedded") / sum("chunks"),
    tokensPerSecond,
    elapsedMs: Math.round(performance.now() - startedAt),
    baseline: foundBy("baseline", report),
    candidate: foundBy("candidate", report),
    rollout: { percent: search.percent },
  };
  const opened = scope.move();
  return {
    ...{ result, profiles, dashboardUrl: dashboard.url, searchUrl: search.url },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/** The demo's embedded database is created anew; with other servers the demo needs an empty database. */
async function openDemoServers(config: Config, log: Logger): Promise<Services> {
  const embedded = config.databaseUrl === undefined;
  say(embedded ? `Starting the embedded database in ${config.folder}` : "Connecting to your servers");
  await using scope = new AsyncDisposableStack();
  const services = scope.use(await openServers(config, log));
  if (embedded) {
    await dropTables(services.database);
    await dropOldSystem(services.database);
  }
  const resolved = await initialize(config, services);
  await refuseOtherCorpus(services.database);
  const queue = await queueOf(services.database, services.queue);
  const opened = scope.move();
  return { ...services, queue, config: resolved, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

/** The demo shares its database with nothing else: an operator's environment must not put a handbook into a live corpus. */
async function refuseOtherCorpus(database: Database): Promise<void> {
  const uris: string[] = [];
  for await (const entry of readCorpus(handbook)) if (entry.kind === "document") uris.push(entry.document.uri);
  const others = await countOtherDocuments(database, uris);
  if (others === 0) return;
  throw new ReembedError("demo_database_used", `The database of DATABASE_URL contains ${others} other documents.`, {
    exitCode: 3,
    remedy: "Use an empty database for the demo, or unset DATABASE_URL to use the embedded one.",
  });
}

async function migrateOldSystem(
  { config, database }: Services,
  { embedders, log }: { embedders: Embedders; log: Logger },
): Promise<void> {
  const { chunking, model, name } = config.baseline;
  const embedder = embedders.of(model);
  say(`The old application: samples/handbook in ${oldTables.table}, with vectors of ${model.id}`);
  const old = await buildOldSystem(database, { corpus: handbook, chunking, embedder });
  const onProgress = () => {};
  const options = { database, config, profile: config.baseline, wanted: oldTables, reembed: false, onProgress, log };
  const { vectors, checked } = await adoptTable({ ...options, sample, device: embedder.device });
  const compared =
    checked === undefined ? "" : `; ${checked.compared} compared, least cosine ${checked.leastCosine.toFixed(4)}`;
  say(`Adopted           ${vectors.copied} of ${old.chunks} vectors, as ${name}${compared}`);
  const { documents, chunks } = await rechunkCorpus(database, () => {});
  say(`Cut again         ${documents} documents, assembled from their chunks, into ${chunks.added} larger chunks`);
}

async function verify(services: Services, embedders: Embedders): Promise<void> {
  for (const report of await verifyProfiles(services, embedders, sample)) {
    const { profile, passed, failures, current, chunks, embeddedAgain } = report;
    if (!passed)
      throw new ReembedError("not_proven", `${profile} did not pass the verification: ${JSON.stringify(failures)}`);
    say(`Verified          ${current} of ${chunks} vectors of ${profile}, ${embeddedAgain?.compared} embedded again`);
  }
}

async function evaluate(
  services: Services,
  embedders: Embedders,
): Promise<{ queries: JudgedQuery[]; report: EvaluationReport }> {
  const { config, database } = services;
  const files = { queries: join(handbook, "queries.jsonl"), qrels: join(handbook, "qrels.tsv") };
  const { source, queries } = await chooseQueries(database, { ...files, sample: 1_000 });
  say(`Evaluating with ${queries.length} judged queries`);
  const report = await evaluateCandidate(services, embedders, { queries, source });
  const [before, after] = [foundBy("baseline", report), foundBy("candidate", report)];
  say(
    `Evaluated         nDCG@10 ${before.ndcg10.toFixed(3)} -> ${after.ndcg10.toFixed(3)}: the candidate is ${report.verdict}`,
  );
  await calibrate(config, database, report);
  return { queries, report };
}

/** The scores of two models are on different scales: with the plan's threshold, a guardrail would find too many empty answers. */
async function calibrate(config: Config, database: Database, { thresholds }: EvaluationReport): Promise<void> {
  const threshold = thresholds?.proposed?.threshold;
  if (threshold === undefined) return;
  await registerProfiles(database, [{ ...config.candidate, threshold }]);
  say(`Calibrated        the candidate's threshold, from ${config.candidate.threshold} to ${threshold}`);
}

function foundBy(side: "baseline" | "candidate", { quality }: EvaluationReport): Found {
  if (quality === null) throw new TypeError("The handbook's queries are judged");
  const { ndcg, recall } = quality[side];
  return { ndcg10: round(ndcg.mean), recall10: round(recall.mean) };
}

function perSecond(count: number, since: number): number {
  return Math.round((1_000 * count) / (performance.now() - since));
}

function round(value: number): number {
  return Math.round(1e4 * value) / 1e4;
}
