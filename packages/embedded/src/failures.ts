import { messageOf, ReembedError } from "@reembed/core";

/** The errors of Node that say the folder is at fault, and not what is in it. */
const unwritable = new Set(["EACCES", "EPERM", "EROFS", "ENOTDIR", "EEXIST", "ENOSPC", "EDQUOT"]);

/** Why the database in `folder` did not open; Postgres' own complaint, where there is one, says it best. */
export function explainOpening(error: unknown, folder: string, complaint: string | undefined): ReembedError {
  if (error instanceof ReembedError) return error;
  if (unwritable.has((error as NodeJS.ErrnoException).code ?? "")) {
    return new ReembedError("embedded_unwritable", `The folder ${folder} cannot be used: ${messageOf(error)}`, {
      remedy: "Make it a folder that this user can write, or set DATABASE_URL to use a PostgreSQL server",
      cause: error,
    });
  }
  return new ReembedError(
    "embedded_unreadable",
    `The embedded database in ${folder} could not be opened: ${complaint ?? messageOf(error)}`,
    {
      remedy: `Put back a copy of ${folder}/data, or move it away to begin with an empty database`,
      cause: error,
    },
  );
}

/** Why the database in `folder` ended without having been asked to. */
export function explainEnd(folder: string, how: string, cause?: unknown): ReembedError {
  return new ReembedError("embedded_ended", `The embedded database in ${folder} ended: ${how}`, {
    remedy: "Start again: everything that was committed is there",
    cause,
  });
}
