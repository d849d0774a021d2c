import type { RegisteredProfile } from "@reembed/store/profiles";

/**
 * What an operator has to do before a paused profile is embedded, as `adopt` and `status` say it: `waits for … which embeds the
 * adopted table's rows`. Null if it waits for nobody.
 * @param chunks How many chunks it has.
 */
export function describeNextStep(
  { name, state, paused, source }: Pick<RegisteredProfile, "name" | "state" | "paused" | "source">,
  chunks: number,
): string | null {
  if (!paused) return null;
  if (state === "backfilling") return `paused until \`reembed backfill resume --profile ${name}\``;
  if (state !== "registered") return null;
  const start = `\`reembed backfill start --profile ${name}\``;
  if (source !== null) return `waits for ${start}, which embeds the adopted table's rows`;
  return chunks > 0
    ? `waits for ${start}`
    : `waits for \`reembed rechunk\`, which cuts its chunks, and then for ${start}`;
}
