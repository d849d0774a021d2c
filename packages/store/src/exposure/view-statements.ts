import { quoted } from "../database/quoted.ts";
import type { RegisteredProfile } from "../profiles/profiles.ts";
import type { ChunkSource } from "../schema/corpus.ts";
import { embeddingsPartition } from "../schema/relations.ts";
import type { ExposedVectors } from "./exposed-vectors.ts";
import { type Readable, readNumbers, rowToChunk } from "./row-to-chunk.ts";
import type { TableFacts } from "./table-facts.ts";

/** What is exposed: a profile's vectors, in the shape of the application's table. */
export interface Exposed {
  profile: RegisteredProfile & { source: ChunkSource };
  table: TableFacts;
  vectors: ExposedVectors;
  /** Of the model whose vectors are in the application's own column. */
  baselineDimensions: number;
  /** The quoted name of the schema. */
  schema: string;
}

export function exposedView({ schema, table }: Pick<Exposed, "schema" | "table">): string {
  return `${schema}.${quoted(table.name)}`;
}

/**
 * The view of the table's name and columns, and what columns without a value in an INSERT get. It reads with the rights of
 * whoever asks, so that row security holds.
 *
 * A halfvec has no length in the view, although the indexed expression has one: the cast without a length adds nothing to
 * it, and a statement may then bring vectors of any length, of which those of another model are left out. A vector has its
 * length, because frameworks that need this type read the length from the catalogue.
 */
export function viewStatements(exposed: Exposed): string[] {
  const { profile, table, vectors } = exposed;
  const { join } = rowToChunk(profile.source, profile);
  const view = exposedView(exposed);
  const ofVectors = vectors.expression.replace("embedding", "e.embedding");
  const vector = vectors.type === "halfvec" ? `(${ofVectors})::${table.vectorSchema}.halfvec` : ofVectors;
  const columns = table.columns.map(({ name }) =>
    name === table.vector.name ? `${vector} as ${quoted(name)}` : `t.${quoted(name)}`,
  );
  return [
    `create view ${view} with (security_invoker = true) as
      select ${columns.join(", ")}
      from ${embeddingsPartition(profile.name)} e ${join}`,
    ...table.columns
      .filter((column) => column.default !== null && column.name !== table.vector.name)
      .map((column) => `alter view ${view} alter column ${quoted(column.name)} set default ${column.default}`),
  ];
}

/**
 * The rights of an application's role: the schema, the view, and what the view reads. Without a right on the schema
 * `reembed`, the role cannot name what it may read there, and reaches it only through the view.
 */
export function grantStatements(exposed: Exposed, role: string): string[] {
  const { profile, schema } = exposed;
  const reads = [readVectors(profile.name), ...rowToChunk(profile.source, profile).reads];
  const to = quoted(role);
  return [
    `grant usage on schema ${schema} to ${to}`,
    `grant select, insert, update, delete on ${exposedView(exposed)} to ${to}`,
    ...reads.map(({ relation, columns }) => `grant select (${columns.join(", ")}) on ${relation} to ${to}`),
  ];
}

/**
 * Takes back what a role may read for a profile's exposure. The numbers of rows are read by every exposure of the table.
 * @param isUsedElsewhere Whether the role has another exposure.
 */
export function revokeStatements(
  profile: string,
  role: string,
  { isUsedElsewhere }: { isUsedElsewhere: boolean },
): string[] {
  const reads = isUsedElsewhere ? [readVectors(profile)] : [readVectors(profile), readNumbers];
  return reads.map(
    ({ relation, columns }) => `revoke select (${columns.join(", ")}) on ${relation} from ${quoted(role)}`,
  );
}

function readVectors(profile: string): Readable {
  return { relation: embeddingsPartition(profile), columns: ["chunk_id", "embedding"] };
}
