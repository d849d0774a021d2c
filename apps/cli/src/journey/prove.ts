import { activeProfiles } from "@reembed/config";
import { keepOpen } from "@reembed/embedder";
import { type ChosenQueries, type EvaluationReport, evaluateProfiles } from "@reembed/migration/evaluate";
import { type VerificationReport, verifyProfile } from "@reembed/migration/verify";
import { recordEvaluation } from "@reembed/store/evaluation";
import { readProfile } from "@reembed/store/profiles";
import { recordVerification } from "@reembed/store/verification";
import type { Services } from "../hosting/services.ts";
import type { Embedders } from "./embedders.ts";

type Served = Pick<Services, "config" | "database">;

/** Verifies each profile that has a model, with a sample of vectors embedded again, and records what was found. */
export async function verifyProfiles(
  { config, database }: Served,
  embedders: Embedders,
  sample: number,
): Promise<VerificationReport[]> {
  const reports: VerificationReport[] = [];
  for (const { name, model } of activeProfiles(config).filter(({ model }) => !model.unknown)) {
    const report = await verifyProfile({
      ...{ database, profile: await readProfile(database, name), sample },
      startEmbedder: async () => keepOpen(embedders.of(model)),
      bars: { own: 0.999, adopted: 0.99 },
      maxQuarantinedShare: config.maxQuarantinedShare,
      onProgress: () => {},
    });
    await recordVerification(database, { profile: name, passed: report.passed, report: { ...report } });
    reports.push(report);
  }
  return reports;
}

/** Evaluates the candidate against the baseline, and records what was found. */
export async function evaluateCandidate(
  { config, database }: Served,
  embedders: Embedders,
  { queries, source, proxies }: Pick<ChosenQueries, "queries" | "source"> & { proxies?: number },
): Promise<EvaluationReport> {
  const baseline = await readProfile(database, config.baseline.name);
  const candidate = await readProfile(database, config.candidate.name);
  const models = { baseline: embedders.of(config.baseline.model), candidate: embedders.of(config.candidate.model) };
  const { report } = await evaluateProfiles({
    ...{ database, baseline, candidate, embedders: models, queries, source, proxies },
  });
  const { verdict } = report;
  const sides = { baseline: baseline.name, candidate: candidate.name };
  await recordEvaluation(database, { ...sides, verdict, report: { ...report } });
  return report;
}
