import { formatCount } from "@reembed/core";
import { embeddingServerOf, startProfileEmbedder } from "@reembed/embedder";
import { readVectors, sampleVectorIds } from "@reembed/store/embeddings";
import { type Comparison, compareVectors } from "../verify/compare-vectors.ts";
import type { Check } from "./context.ts";
import { type Finding, ok, problem, unchecked, warning } from "./finding.ts";

/** Takes a second with a small model, and half a minute with a large one. */
const sampledByItself = 8;
/** Number formats of one model agree at least this well; another model, or a prefix before the text, is far below. */
const leastCosine = 0.99;

/** Embeds a sample of vectors again to check whether the configured model made them. */
export const checkProvenance: Check = async ({
  config,
  database,
  profiles,
  registered,
  models,
  device,
  sample,
  log,
}) => {
  if (database === undefined || sample === 0) return [];
  const findings: Finding[] = [];
  for (const profile of registered) {
    const wanted = profiles.find(({ name }) => name === profile.name);
    const served = wanted !== undefined && embeddingServerOf(config, wanted) !== undefined;
    const here = served || models.some(({ model, problem }) => model === profile.model && problem === null);
    if (wanted === undefined || wanted.model.unknown || (!here && sample === undefined)) continue;
    const chunkIds = await sampleVectorIds(database, profile, sample ?? sampledByItself);
    const vectors = await readVectors(database, profile, chunkIds);
    if (vectors.length === 0) continue;
    const check = `made by ${profile.model}`;
    try {
      await using embedder = await startProfileEmbedder(wanted, config, { device: device ?? "cpu", log });
      const bars = { own: leastCosine, adopted: leastCosine };
      const pages = (async function* () {
        yield vectors;
      })();
      const options = { bars, sampled: true, onWrong: () => {} };
      findings.push(judgeProvenance(check, await compareVectors(embedder, pages, options, () => {})));
    } catch (error) {
      findings.push(unchecked(check, error));
    }
  }
  return findings;
};

export function judgeProvenance(
  check: string,
  { compared, wrong, leastCosine: least }: Pick<Comparison, "compared" | "wrong" | "leastCosine">,
): Finding {
  const says = `${formatCount(compared)} vectors embedded again, least cosine ${least?.toFixed(3) ?? "none"}`;
  if (wrong === 0) return ok(check, says);
  if (wrong === compared) {
    const remedy = "Choose the profile whose model made them: queries embedded by this model cannot find them.";
    return problem(check, `${says}: this model made none of them`, remedy);
  }
  const remedy = "Their texts have changed since, or were cut or prefixed differently; `reembed verify` shows them.";
  return warning(check, `${says}: ${formatCount(wrong)} differ from what the model makes of their texts`, remedy);
}
