// Checked by the compiler with the package's declarations alone.
import { type Answer, type Migration, openMigration, ReembedError } from "reembed";

async function titles(migration: Migration): Promise<string[]> {
  const { results }: Answer = await migration.search({ query: "Urlaub", filter: { language: "de" } });
  return results.map(({ title, score }) => `${title} ${score.toFixed(2)}`);
}

await using migration = await openMigration({ device: "cpu" });
const vectors: (Float32Array | undefined)[] = await migration.embed(migration.profileOf("user-42"), ["Urlaub"]);
// @ts-expect-error A search needs a query.
await migration.search({ subject: "user-42" }).catch((error: unknown) => error instanceof ReembedError);

export { titles, vectors };
