import { type ProposedSource, resolvePreset, toChunkSource } from "@reembed/migration/adopt";
import type { Database } from "@reembed/store/database";
import type { ChunkSource } from "@reembed/store/schema";
import type { Command } from "commander";

/** The flags that say what a table's columns are. */
export interface SourceFlags {
  as?: string;
  id?: string;
  content?: string;
  embedding?: string;
  document?: string;
  position?: string;
  documents?: string;
  documentsKey: string;
  uri?: string;
  title?: string;
  language?: string;
  body?: string;
}

export function addSourceOptions(command: Command): Command {
  return command
    .option("--as <preset>", "what made the table, such as langchain: the columns are the preset's, unless given")
    .option("--id <column>", "column of the chunks' ids, which are whole numbers (default: id)")
    .option("--content <column>", "column of the chunks' text (default: content)")
    .option("--embedding <column>", "column of the chunks' vectors (default: embedding)")
    .option("--document <column>", "column with the key of a chunk's document (default: document_id)")
    .option("--position <column>", "column with a chunk's position in its document (default: chunk_index)")
    .option("--documents <table>", "table of documents, if there is one")
    .option("--documents-key <column>", "column of the documents that the chunks refer to", "id")
    .option("--uri <column>", "column of the documents' uris (default: their key)")
    .option("--title <column>", "column of the documents' titles (default: their uri)")
    .option("--language <column>", "column of the documents' language")
    .option("--body <column>", "column of the documents' text (default: assembled from the chunks)");
}

const usual = {
  id: "id",
  content: "content",
  embedding: "embedding",
  document: "document_id",
  position: "chunk_index",
};

/** What the flags say of a table, with a preset below them. */
export async function sourceOf(database: Database, table: string, flags: SourceFlags): Promise<ChunkSource> {
  const { as: preset, id, content, embedding, document, position } = flags;
  const chunks = defined({ id, content, embedding, document, position });
  const documents = documentsOf(flags);
  if (preset === undefined) {
    return { table, ...usual, ...chunks, ...(documents === undefined ? {} : { documents }) };
  }
  const given: Partial<ProposedSource> = {
    ...defined({ content, embedding, document, position }),
    ...(id === undefined ? {} : { id: [id] }),
    ...(documents === undefined ? {} : { documents }),
  };
  return toChunkSource(await resolvePreset(database, { table, preset, given }));
}

function documentsOf({ documents, documentsKey: key, uri, title, language, body }: SourceFlags) {
  return documents === undefined ? undefined : { table: documents, key, ...defined({ uri, title, language, body }) };
}

function defined<Values extends Record<string, string | undefined>>(
  values: Values,
): Partial<Record<keyof Values, string>> {
  const given = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as Partial<Record<keyof Values, string>>;
}
