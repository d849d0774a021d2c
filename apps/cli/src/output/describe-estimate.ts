import { formatAmount, formatBytes, formatCount, formatDuration, formatTable, type Model } from "@reembed/core";
import type { DetailedEstimate } from "@reembed/migration/estimate";

/** The estimate as a table: in each line a figure, and how certain it is or what it means. */
export function describeEstimate(
  estimate: DetailedEstimate,
  { model, chunking }: { model: Model; chunking: string },
): string {
  const { tokens, workers, device, measured } = estimate;
  const cut = `chunks of ${chunking}, ${model.id}, ${model.dimensions} dimensions`;
  const rows = [
    ["profile", estimate.profile, cut],
    ["chunks", formatCount(estimate.chunks), describeChunks(estimate)],
    ["tokens", formatCount(tokens.total), describeTokens(estimate)],
    ["cut off", percent(estimate.truncatedShare), describeTruncation(estimate, model.maxTokens)],
    [
      "speed",
      `${formatCount(estimate.tokensPerSecond)} tokens/s`,
      `one worker on ${device}: ${formatCount(measured.texts)} texts in ${measured.seconds.toFixed(1)} s, after a warm-up`,
    ],
    ["time", formatDuration(estimate.seconds), describeTime(estimate)],
    ...(estimate.cost === null ? [] : [["cost", formatAmount(estimate.cost.total), describeCost(estimate.cost)]]),
    ["vectors", formatBytes(estimate.vectorBytes), "on the database's disk, with the indexes that every profile has"],
    ["ANN index", formatBytes(estimate.indexBytes), describeIndex(estimate)],
  ];
  const time = `${formatDuration(estimate.seconds)} on ${workers === 1 ? "one worker" : `${formatCount(workers)} workers`}`;
  return `${formatTable(rows, 3)}\n\n${estimate.profile} takes about ${time}. \`reembed status\` compares this with the actual progress.`;
}

function describeChunks({ drawn, drawnCount, drawnFrom, chunksLow, chunksHigh }: DetailedEstimate): string {
  if (drawn === "chunks") return "counted";
  const range = chunksLow === chunksHigh ? "" : `${between(chunksLow, chunksHigh)} with 95 % confidence; `;
  return `${range}${formatCount(drawnCount)} of ${formatCount(drawnFrom)} documents were cut as a sample`;
}

function describeTokens({ tokens, sample }: DetailedEstimate): string {
  if (tokens.low === tokens.high) return `counted in all ${formatCount(sample)} chunks`;
  return `${between(tokens.low, tokens.high)} with 95 % confidence, from ${formatCount(sample)} random chunks`;
}

function describeTruncation(
  { truncatedShareLow: low, truncatedShareHigh: high }: DetailedEstimate,
  maxTokens: number,
): string {
  const range = low === high ? "" : `${percent(low)} to ${percent(high)} `;
  return `${range}of the chunks have more than the ${formatCount(maxTokens)} tokens that the model reads`;
}

function describeTime({ tokens, tokensPerSecond, workers }: DetailedEstimate): string {
  const [least, most] = [tokens.low, tokens.high].map((count) => formatDuration(count / (tokensPerSecond * workers)));
  return `${least === most ? "" : `${least} to ${most} `}by the number of tokens; a text that occurs twice is embedded once`;
}

function describeCost({ low, high }: NonNullable<DetailedEstimate["cost"]>): string {
  const range = low === high ? "" : `${formatAmount(low)} to ${formatAmount(high)} `;
  return `${range}by the number of tokens; requests that fail and are repeated cost more`;
}

function describeIndex({ indexBytes, indexBuildBytes }: DetailedEstimate): string {
  if (indexBytes === 0) return "the embedded database is searched without an index";
  return `on disk; its build needs ${formatBytes(indexBuildBytes)} of maintenance_work_mem`;
}

function between(low: number, high: number): string {
  return `${formatCount(low)} to ${formatCount(high)}`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
