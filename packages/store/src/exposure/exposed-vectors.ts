import { ReembedError } from "@reembed/core";
import type { RegisteredProfile } from "../profiles/profiles.ts";
import { embeddingsPartition } from "../schema/relations.ts";
import type { Metric, TableFacts } from "./table-facts.ts";

export type VectorType = "halfvec" | "vector";

/** The vectors of a profile in the form in which an application reads them. */
export interface ExposedVectors {
  type: VectorType;
  /** The length that the application compares, which is greater than the profile's where it pads with zeros. */
  length: number;
  /** The indexed expression over the column `embedding`. */
  expression: string;
  metric: Metric;
  /** The operator by which the application orders. */
  operator: "<=>" | "<#>" | "<->";
  /** An operator class of pgvector for the expression. */
  operatorClass: string;
  /** Whether the profile's own ANN index serves it; otherwise it needs one of its own. */
  isOwnIndex: boolean;
}

const operators = { cosine: "<=>", ip: "<#>", l2: "<->" } as const;

/** pgvector's limits for an index, in dimensions. */
const most: Record<VectorType, number> = { vector: 2_000, halfvec: 4_000 };

/**
 * An application pads if its column is longer than the baseline's vectors: then it pads its queries too, and the new vectors
 * must have that length. A vector of length 1 keeps it, and no distance changes.
 * @throws ReembedError `vectors_too_long` (exit code 3).
 */
export function exposedVectors(
  profile: Pick<RegisteredProfile, "name" | "dimensions">,
  { length, metric, vectorSchema }: Pick<TableFacts, "length" | "metric" | "vectorSchema">,
  { type, baselineDimensions, isIndexed = true }: { type: VectorType; baselineDimensions: number; isIndexed?: boolean },
): ExposedVectors {
  const { dimensions } = profile;
  const padded = length !== null && length > baselineDimensions ? length : dimensions;
  if (padded < dimensions) {
    throw tooLong(`${profile.name} has ${dimensions} dimensions, but the application pads its vectors to ${padded}.`);
  }
  if (isIndexed && padded > most[type]) {
    throw tooLong(`An index over the type ${type} has at most ${most[type]} dimensions, and these vectors ${padded}.`);
  }
  const sized = `${vectorSchema}.${type}(${padded})`;
  const zeros = `array_fill(0::real, array[${padded - dimensions}])::${vectorSchema}.halfvec`;
  const bare = padded === dimensions ? "embedding" : `(embedding operator(${vectorSchema}.||) ${zeros})`;
  const expression = `${bare}::${sized}`;
  return {
    type,
    length: padded,
    expression,
    metric,
    operator: operators[metric],
    operatorClass: `${type}_${metric}_ops`,
    isOwnIndex: type === "halfvec" && metric === "cosine" && padded === dimensions,
  };
}

/** The name, without schema, of the index for an exposure that the profile's own ANN index does not serve. */
export function exposedIndexName({ name }: Pick<RegisteredProfile, "name">): string {
  return `chunk_embeddings_${name}_exposed`;
}

/** The statement that builds it, in a session of its own. */
export function exposedIndexStatement(
  profile: Pick<RegisteredProfile, "name">,
  { expression, operatorClass }: ExposedVectors,
): string {
  return `create index concurrently "${exposedIndexName(profile)}" on ${embeddingsPartition(profile.name)}
    using hnsw ((${expression}) ${operatorClass})`;
}

function tooLong(message: string): ReembedError {
  return new ReembedError("vectors_too_long", message, { exitCode: 3 });
}
