import { ReembedError } from "@reembed/core";
import type { RegisteredProfile } from "@reembed/store/profiles";
import type { ChunkSource } from "@reembed/store/schema";

/**
 * A profile whose chunks are an application's rows.
 * @throws ReembedError `not_same_rows` (exit code 3).
 */
export function requireSameRows(profile: RegisteredProfile): RegisteredProfile & { source: ChunkSource } {
  const { name, source, chunking, state } = profile;
  if (source !== null && state !== "retired") return { ...profile, source };
  const why =
    state === "retired"
      ? "its vectors were removed by `reembed finalize`"
      : `its chunks are Reembed's own, of ${chunking}`;
  throw new ReembedError("not_same_rows", `${name} has no vectors of an application's rows: ${why}.`, {
    exitCode: 3,
    remedy:
      "A profile can be exposed whose chunks are the rows of an adopted table (`reembed adopt --chunks keep`). Search others over HTTP or through their view.",
  });
}
