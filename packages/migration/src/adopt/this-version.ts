import { ReembedError } from "@reembed/core";
import type { VectorTable } from "@reembed/store/discovery";
import type { ChunkSource } from "@reembed/store/schema";
import type { Obstacle } from "./obstacles.ts";
import type { ProposedSource } from "./proposal.ts";
import { isOfKind } from "./recognise.ts";

const remedy = "This version cannot adopt it.";

/** What a proposal needs and this version of adoption does not have: other ids than one whole number, and expressions. */
export function limitsOf({ columns }: VectorTable, source: ProposedSource): Obstacle[] {
  const { id, content, embedding, document, position } = source;
  const limits: Obstacle[] = [];
  const key = columns.find(({ name }) => name === id[0]);
  if (id.length > 1 || (key !== undefined && !isOfKind(key, "whole"))) {
    const types = id.map((name) => columns.find((column) => column.name === name)?.type ?? name);
    limits.push({ what: `Its ids are ${types.join(" and ")}, not one whole number.`, remedy });
  }
  for (const [part, value] of Object.entries({ content, embedding, document, position })) {
    if (value !== undefined && nameIn(value) === undefined) limits.push({ what: `Its ${part} is no column.`, remedy });
  }
  if (document === undefined) limits.push({ what: "It has no column with the key of a chunk's document.", remedy });
  if (position === undefined) limits.push({ what: "It has no column with a chunk's position.", remedy });
  return limits;
}

/** A proposal in the form that adoption takes. */
export function toChunkSource(source: ProposedSource): ChunkSource {
  const { table, id, documents } = source;
  const [content, embedding, document, position] = [
    source.content,
    source.embedding,
    source.document,
    source.position,
  ].map((value) => nameIn(value ?? ""));
  if (!id[0] || id.length > 1 || !content || !embedding || !document || !position || source.where !== undefined) {
    throw new ReembedError("table_unfit", `${table} has ids or parts that this version cannot adopt.`, { exitCode: 3 });
  }
  const chunks = { table, id: id[0], content, embedding, document, position };
  return documents === undefined ? chunks : { ...chunks, documents };
}

/** The name of the column that an expression is; undefined if it is more than one. */
function nameIn(expression: string): string | undefined {
  if (/^[A-Za-z_]\w*$/.test(expression)) return expression;
  return /^"((?:[^"]|"")+)"$/.exec(expression)?.[1]?.replaceAll('""', '"');
}
