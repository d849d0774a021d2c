import { type ProposedSource, resolvePreset } from "@reembed/migration/adopt";
import type { Database } from "@reembed/store/database";
import type { ChunkSource } from "@reembed/store/schema";
import { type Command, Option } from "commander";

/** The flags that say what a table's columns are. */
export interface SourceFlags {
  as?: string;
  id?: string;
  content?: string;
  embedding?: string;
  document?: string | false;
  position?: string | false;
  metadata?: string;
  where?: string;
  template?: string;
  documents?: string;
  documentsKey: string;
  uri?: string;
  title?: string;
  language?: string;
  body?: string;
  chunks?: "keep" | "cut";
}

export function addSourceOptions(command: Command): Command {
  return command
    .option("--as <preset>", "what made the table, such as langchain: the columns are the preset's, unless given")
    .option("--id <columns>", "column of the chunks' ids, or several with commas between (default: id)")
    .option("--content <expression>", "the chunks' text: a column, or any SQL over the columns (default: content)")
    .option("--template <text>", "the chunks' text, with {column} or {SQL} in it, instead of --content")
    .option("--embedding <expression>", "the chunks' vectors (default: embedding)")
    .option("--document <expression>", "the key of a chunk's document (default: document_id)")
    .option("--no-document", "each row is a document of its own")
    .option("--position <expression>", "a chunk's position in its document (default: chunk_index)")
    .option("--no-position", "a document's chunks are in the order of their ids")
    .option("--metadata <expression>", "json or jsonb that searches can filter by")
    .option("--where <condition>", "take only these rows, such as \"collection_id = '…'\"")
    .option("--documents <table>", "table of documents, if there is one")
    .option("--documents-key <column>", "column of the documents that the chunks refer to", "id")
    .option("--uri <column>", "column of the documents' uris (default: their key)")
    .option("--title <expression>", "the documents' titles, of their table or of a chunk (default: their uri)")
    .option("--language <expression>", "the documents' language, of their table or of a chunk")
    .option("--body <column>", "column of the documents' text (default: assembled from the chunks)")
    .addOption(
      new Option(
        "--chunks <how>",
        "keep the table's rows as the candidate's chunks, or cut the documents anew (default: keep, unless --body or MAX_CHUNK_SIZE is given)",
      ).choices(["keep", "cut"]),
    );
}

const usual = {
  id: ["id"],
  content: "content",
  embedding: "embedding",
  document: "document_id",
  position: "chunk_index",
};

/** What the flags say of a table, with a preset below them. */
export async function sourceOf(database: Database, table: string, flags: SourceFlags): Promise<ChunkSource> {
  const { as: preset, id, embedding, document, position, metadata, where, template, chunks } = flags;
  const content = template === undefined ? flags.content : contentOf(template);
  const documents = documentsOf(flags);
  const described = documents === undefined ? defined({ title: flags.title, language: flags.language }) : {};
  const given: Partial<ProposedSource> = {
    ...defined({ content, embedding, document: document || undefined, position: position || undefined }),
    ...defined({ metadata, where }),
    ...described,
    ...(id === undefined ? {} : { id: [id] }),
    ...(documents === undefined ? {} : { documents }),
  };
  const source =
    preset === undefined ? { table, ...usual, ...given } : await resolvePreset(database, { table, preset, given });
  const { document: _, position: __, ...rest } = source;
  return {
    ...rest,
    content: rest.content ?? usual.content,
    ...(document === false ? {} : defined({ document: source.document })),
    ...(position === false ? {} : defined({ position: source.position })),
    ...(chunks === undefined ? {} : { chunks }),
  };
}

/** `{title}: {body}` as SQL. What is in braces is null-safe text; braces are doubled to stand for themselves. */
function contentOf(template: string): string {
  const parts = [...template.matchAll(/\{\{|\}\}|\{([^{}]+)\}|[^{}]+/g)].map(([text, expression]) =>
    expression === undefined
      ? `'${text.replace(/^(\{\{|\}\})$/, (braces) => braces[0] ?? "").replaceAll("'", "''")}'`
      : `coalesce((${expression})::text, '')`,
  );
  return parts.join(" || ");
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
