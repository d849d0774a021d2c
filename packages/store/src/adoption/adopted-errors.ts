import { messageOf, ReembedError } from "@reembed/core";
import { blamesRow } from "../changes/failing-rows.ts";
import { sqlState } from "../database/database.ts";
import type { ChunkSource } from "../schema/corpus.ts";
import { adoptedTableOf } from "./adopted-relation.ts";

/** The error for an adopted table, or its table of documents, that was dropped or renamed. */
export function tableGone({ table, documents }: Pick<ChunkSource, "table" | "documents">): ReembedError {
  const tables =
    documents === undefined
      ? `The adopted table ${table}`
      : `One of the adopted tables ${table} and ${documents.table}`;
  return new ReembedError("adopted_table_gone", `${tables} does not exist any more.`, {
    exitCode: 3,
    remedy: `Restore it under its name and run \`reembed adopt ${table}\` again, or run \`reembed release ${table}\` if it is not needed.`,
  });
}

/** Errors of a statement whose table or columns have another shape than when it was written. */
const shapeChanged = /^(42P01|42703|42883|42804|42846)$/;
const noRight = "42501";
/** Raised by `check_rows`. */
const tooManyFail = "RE001";

/**
 * Why a statement on an adopted table failed, for whoever ran it: a column is gone or has another type, an expression fails
 * on a row that was not set aside yet, or a right was taken away. Undefined if the error has another cause.
 */
export function explainAdopted(error: unknown): ReembedError | undefined {
  const state = sqlState(error) ?? "";
  const reason = messageOf(error);
  if (state === tooManyFail) {
    return new ReembedError("expression_failed", `${reason}.`, {
      exitCode: 3,
      remedy: "Correct the rows or the function, or run `reembed adopt` again with an expression that is null there.",
      cause: error,
    });
  }
  const table = tableOf(error);
  if (table === undefined) return undefined;
  if (blamesRow(error)) {
    return new ReembedError(
      "expression_failed",
      `An expression fails on a row of the adopted table ${table}: ${reason}.`,
      {
        exitCode: 3,
        remedy:
          "The producer's next tick puts the row in quarantine: run `reembed producer`, and try again. Or correct the row.",
        cause: error,
      },
    );
  }
  if (!(shapeChanged.test(state) || state === noRight)) return undefined;
  if (state === noRight) {
    return new ReembedError("adopted_table_refused", `The adopted table ${table} cannot be read: ${reason}.`, {
      exitCode: 3,
      remedy: `GRANT SELECT, TRIGGER ON ${table} TO the role in DATABASE_URL.`,
      cause: error,
    });
  }
  return new ReembedError(
    "adopted_table_changed",
    `The adopted table ${table} cannot be read as it was adopted: ${reason}.`,
    {
      exitCode: 3,
      remedy: `Run \`reembed adopt ${table}\` again with its present columns, or \`reembed release ${table}\` if it is not needed.`,
      cause: error,
    },
  );
}

/** A failed query has its text, and PostgreSQL's error that of a statement within a function. */
function tableOf(error: unknown): string | undefined {
  for (let current = error; current instanceof Error; current = current.cause) {
    const texts = ["query", "internalQuery", "where"].map((name) => Reflect.get(current, name));
    for (const text of texts) {
      const table = typeof text === "string" ? adoptedTableOf(text) : undefined;
      if (table !== undefined) return table;
    }
  }
  return undefined;
}
