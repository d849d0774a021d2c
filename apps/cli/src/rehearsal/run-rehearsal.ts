import { activeProfiles, type Config, type Settings } from "@reembed/config";
import { formatCount, formatShare, type Profile } from "@reembed/core";
import { embeddingServerOf } from "@reembed/embedder";
import { adoptTable } from "@reembed/migration/adopt";
import { type ChosenQueries, chooseQueries, type ProxyQuality, takeSentence } from "@reembed/migration/evaluate";
import { buildAndMeasure, defaultBuild } from "@reembed/migration/index";
import { rechunkCorpus } from "@reembed/migration/rechunk";
import { type MigrationReport, readReport } from "@reembed/migration/report";
import { limitSpending } from "@reembed/migration/spending";
import { EmbedQueues } from "@reembed/queue";
import type { Logger } from "@reembed/runtime";
import { checkSource } from "@reembed/store/adoption";
import { sampleChunks } from "@reembed/store/corpus";
import type { Database } from "@reembed/store/database";
import { readProfile } from "@reembed/store/profiles";
import { type CopiedSample, copySample, measureVectors } from "@reembed/store/rehearsal";
import type { ChunkSource } from "@reembed/store/schema";
import type { Services } from "../hosting/services.ts";
import { type Embedders, openEmbedders } from "../journey/embedders.ts";
import { beginBackfill, startFleet, untilCovered } from "../journey/fleet.ts";
import { evaluateCandidate, verifyProfiles } from "../journey/prove.ts";
import { openRehearsal } from "./open-rehearsal.ts";
import type { Rehearsal, WholeEstimate } from "./rehearsal-result.ts";
import { rehearseRollout } from "./rehearse-rollout.ts";
import { Steps } from "./steps.ts";

/** Vectors that are embedded again at the adoption and at the verification; queries; and sentences that serve as such. */
const sample = { vectors: 200, queries: 200, sentences: 100 };
/** A batch of long texts takes a CPU minutes. */
const patienceMs = 30 * 60_000;
/** A sample is small, and must not wait for the ticks of a large corpus. */
const tickMs = 500;

export interface RehearsalOptions {
  /** The live installation, or the database before there is one. It is only read. */
  live: Database;
  settings: Settings;
  /** The live table, as an adoption wants it. */
  wanted: ChunkSource;
  /** Whether to embed the baseline's chunks anew, instead of copying the table's vectors. */
  reembed: boolean;
  share: number;
  /** A file of queries; by default those of the live search log, if there is one. */
  queries: string | undefined;
  /** Whether the live installation has a search log. */
  isInstalled: boolean;
  device: string;
  /** What may be paid for each of `pricedProfiles`; undefined where there is none. */
  budget: number | undefined;
  log: Logger;
  signal: AbortSignal;
}

/**
 * Plays the whole migration with a sample of a table, in schemas of its own that are removed afterwards: a copy of the rows
 * is adopted, cut, embedded, indexed, verified, evaluated, rolled out to searches of the log and rolled back.
 * @throws ReembedError of any step, after everything was removed; and the signal's reason.
 */
export async function rehearse(options: RehearsalOptions): Promise<Rehearsal> {
  const { live, settings, device, budget, log, signal } = options;
  const steps = new Steps(signal);
  await using scope = new AsyncDisposableStack();
  const opened = scope.use(await openRehearsal(live, settings, log));
  const { database, queue } = opened;
  const services = { ...opened, config: staged(opened.config) };
  const { config } = services;
  // Checked here, because the live database need not have an installation yet.
  const source = await checkSource(database, options.wanted);
  const copied = await steps.play("copy", async () => {
    const copy = await copySample(live, source, { schemas: opened.schemas, share: options.share, signal });
    return { says: describeCopy(source, copy), ...copy };
  });
  for (const profile of pricedProfiles(config)) await limitSpending(database, profile, { budget: budget ?? 0, config });
  await adoptCopy(steps, services, copied, options);
  const embedders = await openEmbedders(config, { database, device, withinBudget: true, log, scope });
  const embedding = await embedCopy(steps, services, embedders, { log, scope, signal });
  await buildIndex(steps, services, signal);
  const chosen = await judge(steps, services, embedders, options);
  const texts = await queryTexts(services, chosen);
  await rehearseRollout({ steps, services, embedders, queries: texts, log, scope });
  await using queues = new EmbedQueues(queue, () => {});
  const report = await readReport({ database, queues, config });
  return {
    table: source.table,
    rows: copied.rows,
    share: copied.share,
    steps: steps.played,
    whole: await estimateWhole(services, copied, embedding),
    spent: sumOfCosts(report),
    report,
  };
}

/** The profiles whose embedding servers have a price. */
export function pricedProfiles(config: Config): Profile[] {
  return activeProfiles(config).filter((profile) => embeddingServerOf(config, profile)?.price !== undefined);
}

/** Nobody but the rehearsal searches, and nobody is told of it. */
function staged(config: Config): Config {
  return {
    ...config,
    webhook: undefined,
    producer: { ...config.producer, tickMs: Math.min(tickMs, config.producer.tickMs) },
    search: { ...config.search, host: "127.0.0.1", port: 0, basePath: "", apiKey: undefined, rateLimit: 0 },
  };
}

function describeCopy({ table, documents }: ChunkSource, { rows, share }: CopiedSample): string {
  const whole = documents === undefined ? "" : ` and their documents of ${documents.table}`;
  return `${formatCount(rows)} rows of ${table}${whole}, ${formatShare(share)} of all`;
}

async function adoptCopy(
  steps: Steps,
  { database, config }: Services,
  { source }: CopiedSample,
  { reembed, device, log }: RehearsalOptions,
): Promise<void> {
  const { chunks } = await steps.play("adopt", async () => {
    const onProgress = () => {};
    const options = { database, config, profile: config.baseline, wanted: source, onProgress, device, log };
    const adopted = await adoptTable({ ...options, sample: sample.vectors, reembed });
    const { vectors, checked, warnings } = adopted;
    const compared =
      checked === undefined
        ? ""
        : `; ${formatCount(checked.compared)} compared, least cosine ${checked.leastCosine.toFixed(4)}`;
    return {
      says: `${formatCount(vectors.copied)} vectors of ${config.baseline.name}${compared}`,
      concern: warnings.length === 0 ? null : warnings.join(" "),
      chunks: adopted.chunks,
    };
  });
  if (chunks === "keep") return;
  await steps.play("cut", async () => {
    const { documents, chunks: cut } = await rechunkCorpus(database, () => {});
    return { says: `${formatCount(documents)} documents into ${formatCount(cut.added)} chunks` };
  });
}

async function embedCopy(
  steps: Steps,
  services: Services,
  embedders: Embedders,
  { log, scope, signal }: Pick<RehearsalOptions, "log" | "signal"> & { scope: AsyncDisposableStack },
): Promise<{ tokensPerSecond: number }> {
  const { database, config } = services;
  const { name, model } = config.candidate;
  return await steps.play("embed", async () => {
    const startedAt = performance.now();
    await startFleet(services, embedders, { log, scope });
    await beginBackfill(services, "rehearsal");
    const models = activeProfiles(config).filter((profile) => !profile.model.unknown);
    const covered = await untilCovered(database, models, { patienceMs, signal });
    const seconds = (performance.now() - startedAt) / 1_000;
    const { tokens } = await measureVectors(database, config.candidate);
    const quarantined = covered.reduce((sum, one) => sum + one.quarantined, 0);
    return {
      says: `${formatCount(tokens)} tokens with ${name}, ${formatCount(Math.round(tokens / seconds))} a second on ${embedders.of(model).device}`,
      concern: quarantined === 0 ? null : `${formatCount(quarantined)} chunks are in quarantine`,
      tokensPerSecond: tokens / seconds,
    };
  });
}

async function buildIndex(steps: Steps, { database, config }: Services, signal: AbortSignal): Promise<void> {
  await steps.play("index", async () => {
    const profile = await readProfile(database, config.candidate.name);
    const progress = { step() {}, show() {}, [Symbol.dispose]() {} };
    const built = await buildAndMeasure(
      { ...defaultBuild, force: true },
      { database, profile, progress, dryRun: false, signal },
    );
    if (built === undefined) throw new TypeError("Only a dry run builds no index");
    const { recall10, reached, targetRecall, searchSetting } = built;
    return {
      says: `finds ${formatShare(recall10)} of the ten nearest at ef_search ${searchSetting}`,
      concern: reached ? null : `the target is ${formatShare(targetRecall)}`,
    };
  });
}

/** Verifies both profiles and compares what they find. */
async function judge(
  steps: Steps,
  services: Services,
  embedders: Embedders,
  { live, queries: file, isInstalled }: RehearsalOptions,
): Promise<ChosenQueries> {
  const { database, config } = services;
  await steps.play("verify", async () => {
    const reports = await verifyProfiles(services, embedders, sample.vectors);
    const failed = reports.filter(({ passed }) => !passed).map(({ profile }) => profile);
    return {
      says: reports.map(({ profile, current, chunks }) => `${profile} ${current} of ${chunks}`).join(", "),
      concern: failed.length === 0 ? null : `${failed.join(" and ")} did not pass`,
    };
  });
  const none: ChosenQueries = { source: "none", queries: [], notes: [] };
  const hasQueries = file !== undefined || isInstalled;
  const from = file === undefined ? live : database;
  const chosen = hasQueries ? await chooseQueries(from, { queries: file, sample: sample.queries }) : none;
  if (config.baseline.model.unknown) {
    await steps.play("evaluate", async () => ({
      says: `skipped: ${config.baseline.name} is as it was adopted, and no model embeds queries for it`,
    }));
    return chosen;
  }
  await steps.play("evaluate", async () => {
    const { verdict, agreement, proxies } = await evaluateCandidate(services, embedders, {
      ...chosen,
      proxies: sample.sentences,
    });
    return {
      says: [
        `the candidate is ${verdict}`,
        ...(agreement === null
          ? []
          : [
              `${formatShare(agreement.overlap10.mean)} of the first ten in common, for ${chosen.queries.length} queries`,
            ]),
        ...(proxies === null ? [] : [describeProxies(proxies, config)]),
      ].join("; "),
      concern: verdict === "worse" ? "the guard refuses a worse candidate" : null,
    };
  });
  return chosen;
}

/** How often sentences find the rest of their chunk, and whether the difference may be chance. */
function describeProxies(
  { queries, baseline, candidate, difference }: ProxyQuality,
  config: Pick<Config, "baseline" | "candidate">,
): string {
  const { low, high } = difference.hit10;
  const found = `${queries} sentences as queries: their chunk is among the first ten of ${config.baseline.name} for ${formatShare(baseline.hit10.mean)}, of ${config.candidate.name} for ${formatShare(candidate.hit10.mean)}`;
  return low <= 0 && high >= 0 ? `${found}, which may be chance` : found;
}

/** What simulated people ask: queries or, where there are none, sentences of the chunks. */
async function queryTexts({ database, config }: Services, { queries }: ChosenQueries): Promise<string[]> {
  if (queries.length > 0) return queries.map(({ text }) => text);
  const profile = await readProfile(database, config.candidate.name);
  const chunks = await sampleChunks(database, profile, sample.queries);
  return chunks.map(({ content }) => takeSentence(content) ?? content.slice(0, 100));
}

async function estimateWhole(
  { database, config }: Services,
  { share }: CopiedSample,
  { tokensPerSecond }: { tokensPerSecond: number },
): Promise<WholeEstimate> {
  const { chunks, tokens, bytes } = await measureVectors(database, config.candidate);
  const allTokens = tokens / share;
  const price = embeddingServerOf(config, config.candidate)?.price;
  return {
    chunks: Math.round(chunks / share),
    tokens: Math.round(allTokens),
    vectorBytes: Math.round(bytes / share),
    seconds: Math.round(allTokens / tokensPerSecond),
    cost: price === undefined ? null : (allTokens * price) / 1e6,
  };
}

function sumOfCosts({ profiles }: MigrationReport): number | null {
  const costs = profiles.flatMap(({ status }) => (status.spending?.price == null ? [] : [status.spending.cost]));
  return costs.length === 0 ? null : costs.reduce((sum, cost) => sum + cost, 0);
}
