import type { Config } from "@reembed/config";
import { modelKey, type Profile, ReembedError, requireKnownModel } from "@reembed/core";
import { type Embedder, startProfileEmbedder } from "@reembed/embedder";
import type { SearchKind } from "@reembed/retrieval";
import type { JudgedQuery } from "@reembed/retrieval/measures";
import type { Logger } from "@reembed/runtime";
import type { Database } from "@reembed/store/database";
import { recordEvaluation } from "@reembed/store/evaluation";
import { readProfile } from "@reembed/store/profiles";
import { startSpendingMeter } from "../spending/spending-meter.ts";
import { type ChosenQueries, chooseQueries, type QueryChoice } from "./choose-queries.ts";
import type { Progress } from "./contender.ts";
import { evaluateProfiles } from "./evaluate-profiles.ts";
import { sheetDepth } from "./judgement-sheet.ts";
import { describeLimits } from "./limits.ts";
import type { EvaluationReport } from "./report.ts";
import { requireTwoProfiles } from "./two-profiles.ts";
import { writeSheet } from "./write-sheet.ts";

/** Each proxy query embeds a sentence and a chunk on both sides. */
const mostProxies = 100;

export interface RunOptions extends QueryChoice {
  k: number;
  grid: boolean;
  search: SearchKind;
  /** Where to write the answers that differ most, to be graded. */
  sheet?: string | undefined;
  device: string;
  log: Logger;
  progress: Progress;
}

/**
 * Evaluates the configured candidate against the baseline and stores the report.
 * @throws ReembedError of `chooseQueries`, `evaluateProfiles` and `writeSheet`, and `queries_missing`.
 */
export async function runEvaluation(
  database: Database,
  config: Config,
  { k, grid, search, sheet, device, log, progress, ...choice }: RunOptions,
): Promise<EvaluationReport> {
  requireTwoProfiles(config);
  for (const { name, model } of [config.baseline, config.candidate]) requireKnownModel({ name, model: model.id });
  const baseline = await readProfile(database, config.baseline.name);
  const candidate = await readProfile(database, config.candidate.name);
  const { source, queries, notes } = await chooseQueries(database, choice);
  requireQueries({ source, queries }, sheet);
  await using scope = new AsyncDisposableStack();
  const embedders = await startEmbedders(config, { database, device, log }, scope);
  const { report, answers } = await evaluateProfiles({
    ...{ database, baseline, candidate, embedders },
    ...{ queries, source, k, search, grid, progress },
    proxies: Math.min(mostProxies, choice.sample),
  });
  report.notes.push(...notes, ...describeLimits(report));
  const { verdict } = report;
  await recordEvaluation(database, {
    baseline: baseline.name,
    candidate: candidate.name,
    verdict,
    report: { ...report },
  });
  if (sheet === undefined) return report;
  const written = await writeSheet(sheet, { database, queries, answers, search });
  const next = `reembed evaluate --qrels ${sheet} --k ${sheetDepth}`;
  report.notes.push(
    `${sheet} contains the ${written} queries whose answers differ most: grade them, then run \`${next}\`.`,
  );
  return report;
}

function requireQueries({ source, queries }: Pick<ChosenQueries, "source" | "queries">, sheet?: string): void {
  const answerable = (query: JudgedQuery) => query.judgements.length > 0;
  if (source === "judged" && !queries.some(answerable)) {
    throw new ReembedError("queries_missing", "No query has a judgement above 0: there is nothing to measure.", {
      exitCode: 2,
    });
  }
  if (sheet !== undefined && queries.length === 0) {
    throw new ReembedError("queries_missing", "A sheet needs queries, but none were given or logged.", {
      exitCode: 2,
      remedy: "Give a file of queries with --queries.",
    });
  }
}

/** Starts the models; only one if both profiles share it. */
async function startEmbedders(
  config: Config,
  { database, device, log }: Pick<RunOptions, "device" | "log"> & { database: Database },
  scope: AsyncDisposableStack,
): Promise<{ baseline: Embedder; candidate: Embedder }> {
  const start = async (profile: Profile) => {
    const meter = scope.use(startSpendingMeter({ database, config, profile, log }));
    return scope.use(await startProfileEmbedder(profile, config, { device, log, meter }));
  };
  const candidate = await start(config.candidate);
  const [one, other] = [config.baseline.model, config.candidate.model];
  const shared = modelKey(one.id, one.revision) === modelKey(other.id, other.revision);
  return { candidate, baseline: shared ? candidate : await start(config.baseline) };
}
