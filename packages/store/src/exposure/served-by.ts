import { sql } from "drizzle-orm";
import type { Database } from "../database/database.ts";
import { oidOf, quoted } from "../database/quoted.ts";
import { exposedIndexName, exposedIndexStatement } from "./exposed-vectors.ts";
import { type Exposed, exposedView } from "./view-statements.ts";

/**
 * The ANN index that serves the application's own statement on the view, `order by embedding <=> $1 limit k` with a parameter
 * of type vector; null if none does. The planner may not sort, because in a small table it would rather do so.
 */
export async function servingIndex(database: Database, exposed: Exposed): Promise<string | null> {
  const { table, vectors } = exposed;
  const column = sql.raw(quoted(table.vector.name));
  const query = `[${Array.from({ length: vectors.length }, () => 1).join()}]`;
  return await database.transaction(async (transaction) => {
    await transaction.execute(
      sql`select set_config('enable_sort', 'off', true), set_config('enable_seqscan', 'off', true)`,
    );
    const { rows } = await transaction.execute<{ "QUERY PLAN": string }>(sql`
      explain select ${column} from ${sql.raw(exposedView(exposed))}
      order by ${column} operator(${sql.raw(`${table.vectorSchema}.${vectors.operator}`)})
        ${sql.raw(`'${query}'::${table.vectorSchema}.vector`)} limit 10`);
    const plan = rows.map((row) => row["QUERY PLAN"]).join("\n");
    return /Index Scan using "?([^\s"]+)"? on "?chunk_embeddings_[^\n]+\n\s+Order By/.exec(plan)?.[1] ?? null;
  });
}

/**
 * Builds the index of an exposure that the profile's own ANN index does not serve, without blocking anybody. One that exists
 * stays, unless it is of another form or its build was interrupted.
 * @param session Outside a transaction and without a limit on its statements.
 */
export async function buildExposedIndex(session: Database, { profile, vectors }: Exposed): Promise<void> {
  const name = exposedIndexName(profile);
  const { rows } = await session.execute<{ fits: boolean }>(sql`
    select i.indisvalid and o.opcname = ${vectors.operatorClass}
      and position(${`(${vectors.length})`} in pg_get_indexdef(i.indexrelid)) > 0 as fits
    from pg_index i join pg_opclass o on o.oid = i.indclass[0] where i.indexrelid = ${oidOf(`reembed."${name}"`)}`);
  if (rows[0]?.fits === true) return;
  await session.execute(sql.raw(`drop index concurrently if exists reembed."${name}"`));
  await session.execute(sql.raw(exposedIndexStatement(profile, vectors)));
}
