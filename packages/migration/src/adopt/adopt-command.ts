import { type Database, schemaOf } from "@reembed/store/database";
import { readOtherInstallations } from "@reembed/store/discovery";
import type { DiscoveredTable, ProposedAdoption } from "./discover.ts";
import { suggestSchema } from "./suggest-schema.ts";

/** A discovered table with the commands that adopt it, as `reembed adopt --json` prints it. */
export type Discovery = Omit<DiscoveredTable, "adoptions"> & {
  /** What `REEMBED_SCHEMA` has to be for the commands, because this installation has another table; null if it has none. */
  schema: string | null;
  adoptions: (ProposedAdoption & { command: string | null })[];
};

/** Adds the command for each table or collection: none where it is adopted. An installation adopts one table. */
export async function withCommands(database: Database, all: readonly DiscoveredTable[]): Promise<Discovery[]> {
  const isOccupied = all.some(({ adopted }) => adopted);
  const taken = [schemaOf(database), ...(await readOtherInstallations(database)).map(({ schema }) => schema)];
  return all.map((found) => {
    if (!isOccupied || found.adopted) return withCommand(found, null);
    const schema = suggestSchema(found.table, taken);
    taken.push(schema);
    return withCommand(found, schema);
  });
}

function withCommand(found: DiscoveredTable, schema: string | null): Discovery {
  const { adoptions, adopted } = found;
  return {
    ...found,
    schema,
    adoptions: adoptions.map((adoption) => ({ ...adoption, command: adopted ? null : commandFor(found, adoption) })),
  };
}

/** The command that adopts a table: by its preset, or with every column that the proposal names. */
function commandFor({ table, preset, source, obstacles }: DiscoveredTable, { where }: ProposedAdoption): string {
  const { id, content, embedding, document, position, title, language, metadata, documents } = source;
  // The texts of the documents would have them cut anew, and no statement of the application finds such chunks.
  const rows = [...(where === null ? [] : ["--where", where]), ...(documents?.body ? ["--chunks", "keep"] : [])];
  if (preset !== null) return shellLine(["reembed", "adopt", table, "--as", preset, ...rows]);
  const unknown = obstacles.some(({ remedy }) => remedy.includes("--content")) ? "<column>" : undefined;
  const ofDocuments = documents === undefined ? { title, language } : documents;
  const flags = {
    id: id.length === 0 ? "<columns>" : id.join(","),
    ...{ content: content ?? unknown, embedding, document, position, metadata },
    ...(documents === undefined ? {} : { documents: documents.table, "documents-key": documents.key }),
    ...{ uri: documents?.uri, title: ofDocuments.title, language: ofDocuments.language, body: documents?.body },
  };
  return shellLine([
    ...["reembed", "adopt", table],
    ...Object.entries(flags).flatMap(([flag, value]) => (value === undefined ? [] : [`--${flag}`, nameOf(value)])),
    ...(document === undefined ? ["--no-document"] : []),
    ...(position === undefined ? ["--no-position"] : []),
    ...rows,
  ]);
}

/** A quoted column without its quotes; any other expression as it is. */
export function nameOf(expression: string): string {
  return /^"((?:[^"]|"")+)"$/.exec(expression)?.[1]?.replaceAll('""', '"') ?? expression;
}

function shellLine(words: readonly string[]): string {
  return words.map(quoteForShell).join(" ");
}

function quoteForShell(word: string): string {
  if (/^[\w.,:/=@%+-]+$/.test(word)) return word;
  if (!/["$`\\!]/.test(word)) return `"${word}"`;
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
