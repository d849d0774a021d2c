import { models as catalogue, type Model, ReembedError } from "@reembed/core";
import { and, eq } from "drizzle-orm";
import type { Queryable } from "../database/database.ts";
import { models } from "../schema/models.ts";

export type ModelRow = typeof models.$inferSelect;

/** Records a model, unless it is there. What is there stays. */
export async function recordModel(database: Queryable, model: Model): Promise<void> {
  await database
    .insert(models)
    .values({
      id: model.id,
      revision: model.revision,
      dimensions: model.dimensions,
      outputDimensions: model.outputDimensions,
      maxTokens: model.maxTokens,
      pooling: model.pooling,
      queryPrompt: model.prompts.query,
      passagePrompt: model.prompts.passage,
      endpoint: model.endpoint?.address ?? null,
      servedName: model.endpoint?.servedName ?? null,
      pricePerMillion: model.endpoint?.pricePerMillion ?? null,
      unknown: model.unknown ?? false,
    })
    .onConflictDoNothing();
}

/**
 * Records a model that somebody describes, who must not find it described otherwise.
 * @throws ReembedError `model_conflict` (exit code 3).
 */
export async function describeModelOnce(database: Queryable, model: Model): Promise<void> {
  await recordModel(database, model);
  const [row] = await database
    .select()
    .from(models)
    .where(and(eq(models.id, model.id), eq(models.revision, model.revision)));
  if (row === undefined || row.maxTokens === model.maxTokens) return;
  throw new ReembedError(
    "model_conflict",
    `${model.id} at ${model.revision} is in the database with ${row.maxTokens} tokens, not ${model.maxTokens}.`,
    { exitCode: 3, remedy: "Leave --max-tokens out, or add the folder under another name." },
  );
}

export function modelOfRow(row: ModelRow): Model {
  const { id, revision, dimensions, outputDimensions, maxTokens, pooling, queryPrompt, passagePrompt, endpoint } = row;
  return {
    ...{ id, revision, dimensions, outputDimensions, maxTokens, pooling },
    prompts: { query: queryPrompt, passage: passagePrompt },
    bundled: catalogue.get(id)?.bundled ?? false,
    ...(endpoint === null ? {} : { endpoint: serverOf(endpoint, row) }),
    ...(row.unknown ? { unknown: true as const } : {}),
  };
}

function serverOf(address: string, { servedName, pricePerMillion }: ModelRow): NonNullable<Model["endpoint"]> {
  return {
    address,
    ...(servedName === null ? {} : { servedName }),
    ...(pricePerMillion === null ? {} : { pricePerMillion }),
  };
}
