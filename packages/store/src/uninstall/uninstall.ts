import { isDeepStrictEqual } from "node:util";
import { ReembedError } from "@reembed/core";
import { sql } from "drizzle-orm";
import type { Database } from "../database/database.ts";
import { schemaOf } from "../database/installation.ts";
import { applicationTable, withLockTimeout } from "../database/lock-timeout.ts";
import { quoted } from "../database/quoted.ts";
import type { Inventory } from "./inventory.ts";
import { type Outcome, probeTable } from "./probe.ts";

/** What an application's statements on one of its tables did, before and after. */
export interface ProvenTable {
  table: string;
  outcome: Outcome;
}

/**
 * Removes everything of ours in one transaction, and proves in it that the application's statements end as before: they run
 * before the removal and after it, and are taken back. If one ends otherwise, nothing is removed.
 * @throws ReembedError `application_affected` (exit code 3).
 */
export async function removeEverything(database: Database, inventory: Inventory): Promise<ProvenTable[]> {
  const ours = schemaOf(database);
  return await withLockTimeout(
    database,
    async (transaction) => {
      const run = (statement: string) => transaction.execute(sql.raw(statement));
      const proven: ProvenTable[] = [];
      for (const { name } of inventory.tables) {
        proven.push({ table: name, outcome: await probeTable(transaction, name) });
      }
      for (const { name, triggers, columns } of inventory.tables) {
        for (const trigger of triggers) await run(`drop trigger ${quoted(trigger)} on ${name}`);
        for (const column of columns) await run(`alter table ${name} drop column ${quoted(column)}`);
      }
      for (const found of inventory.functions) await run(`drop function ${found}`);
      // Exposures first: they stand on the vectors.
      for (const schema of inventory.schemas.toSorted((a, b) => Number(a === ours) - Number(b === ours))) {
        await run(`drop schema ${schema} cascade`);
      }
      for (const { table, outcome: before } of proven) {
        const after = await probeTable(transaction, table);
        if (!isDeepStrictEqual(before, after)) throw affected(ours, table, { before, after });
      }
      return proven;
    },
    applicationTable,
  );
}

function affected(schema: string, table: string, { before, after }: Record<"before" | "after", Outcome>): ReembedError {
  const kinds = ["select", "insert", "update", "delete"] as const;
  const changed = kinds
    .filter((kind) => before[kind] !== after[kind])
    .map((kind) => `${kind.toUpperCase()} ends with ${after[kind]} instead of ${before[kind]}`);
  return new ReembedError(
    "application_affected",
    `Without Reembed, statements on ${table} end otherwise: ${changed.join(", ")}. Nothing was removed.`,
    {
      exitCode: 3,
      remedy: `Look for a trigger or a function of the application that uses something of the schema ${schema}.`,
    },
  );
}
