import { messageOf, ReembedError } from "@reembed/core";

/** Node's error codes for a folder that cannot be used, as opposed to bad data in it. */
const unwritable = new Set(["EACCES", "EPERM", "EROFS", "ENOTDIR", "EEXIST", "ENOSPC", "EDQUOT"]);

/** Explains why the database in `folder` did not open. Postgres' own message is the most precise, if there is one. */
export function explainOpening(error: unknown, folder: string, complaint: string | undefined): ReembedError {
  if (error instanceof ReembedError) return error;
  if (unwritable.has((error as NodeJS.ErrnoException).code ?? "")) {
    return new ReembedError("embedded_unwritable", `The folder ${folder} cannot be used: ${messageOf(error)}`, {
      remedy: "Make the folder writable for this user, or set DATABASE_URL to use a PostgreSQL server",
      cause: error,
    });
  }
  return new ReembedError(
    "embedded_unreadable",
    `The embedded database in ${folder} could not be opened: ${complaint ?? messageOf(error)}`,
    {
      remedy: `Restore a copy of ${folder}/data, or move the folder away to start with an empty database`,
      cause: error,
    },
  );
}

/** Explains why the database in `folder` ended without having been closed. */
export function explainEnd(folder: string, how: string, cause?: unknown): ReembedError {
  return new ReembedError("embedded_ended", `The embedded database in ${folder} ended: ${how}`, {
    remedy: "Start again: everything that was committed is still there",
    cause,
  });
}
