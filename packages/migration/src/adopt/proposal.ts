import { quoted } from "@reembed/store/database";
import type { CatalogueColumn, Reference, VectorTable } from "@reembed/store/discovery";
import type { Preset, PresetDocuments } from "./presets/preset.ts";
import { columnsIn, isOfKind } from "./recognise.ts";

/** Where a table's chunks are, as SQL over its rows; what is not known is left out. */
export interface ProposedSource {
  /** The quoted name of the table. */
  table: string;
  /** The names of the columns that identify a row; none if no unique index is there. */
  id: string[];
  content?: string;
  embedding: string;
  document?: string;
  position?: string;
  title?: string;
  language?: string;
  metadata?: string;
  where?: string;
  documents?: { table: string; key: string; uri?: string; title?: string; language?: string; body?: string };
}

/** A preset's parts for a table that fits it, without those whose columns the table does not have. */
export function fromPreset(table: VectorTable, { parts, documents }: Preset): ProposedSource {
  const { id, content, embedding, ...optional } = parts;
  const present = Object.entries(optional).filter(([, expression]) =>
    columnsIn(expression).every((name) => table.columns.some((column) => column.name === name)),
  );
  const found = documents === undefined ? undefined : documentsOf(table, documents);
  return {
    ...{ table: table.name, id, content, embedding },
    ...Object.fromEntries(present),
    ...(found === undefined ? {} : { documents: found }),
  };
}

const usualNames = {
  content: ["content", "text", "chunk", "body", "chunk_text", "page_content", "pagecontent", "document", "passage"],
  position: [
    ...["position", "chunk_index", "chunk_number", "chunk_no", "chunk_order", "chunk_seq", "chunk_id"],
    ...["seq", "index", "idx", "ordinal", "order", "number"],
  ],
  document: ["document_id", "doc_id", "source_id", "file_id", "page_id", "article_id", "resource_id", "parent_id"],
  place: ["url", "uri", "source", "path", "file_path", "filename", "file_name"],
  title: ["title", "name", "heading", "headline"],
  language: ["language", "lang", "locale"],
  metadata: ["metadata", "meta", "metadata_", "cmetadata", "properties", "attributes"],
  body: ["body", "content", "full_text", "text"],
};

/** What the columns of an unknown table most likely are, by their types and names. */
export function propose(table: VectorTable, vector: string): ProposedSource {
  const { columns, keys, references } = table;
  const [id = []] = keys.filter((names) => names.every((name) => columns.find((c) => c.name === name)?.notNull));
  const free = columns.filter(({ name }) => !id.includes(name));
  const texts = free.filter((column) => isOfKind(column, "text"));
  const unbounded = texts.filter(({ type }) => type === "text" || type === "character varying");
  const whole = (id.length > 1 ? columns : free).filter((column) => isOfKind(column, "whole"));
  const json = free.filter((column) => isOfKind(column, "json"));
  const reference = references.find(({ column }) => usualNames.document.includes(column)) ?? references[0];
  const content = pick(texts, usualNames.content) ?? (unbounded.length === 1 ? unbounded[0] : undefined);
  const others = free.filter((column) => column !== content);
  const document =
    reference?.column ??
    (
      pick(others, usualNames.document) ??
      pick(
        texts.filter((text) => text !== content),
        usualNames.place,
      )
    )?.name;
  const parts = {
    content: content?.name,
    document,
    position: pick(whole, usualNames.position)?.name,
    title: pick(texts, usualNames.title)?.name,
    language: pick(texts, usualNames.language)?.name,
    metadata: pick(json, usualNames.metadata)?.name,
  };
  const documents =
    reference === undefined || reference.column !== document
      ? undefined
      : documentsOf(table, {
          ...{ through: reference.column, uri: usualNames.place, title: usualNames.title },
          ...{ language: usualNames.language, body: usualNames.body },
        });
  return {
    ...{ table: table.name, id, embedding: quoted(vector) },
    ...Object.fromEntries(Object.entries(parts).flatMap(([part, name]) => (name ? [[part, quoted(name)]] : []))),
    ...(documents === undefined ? {} : { documents }),
  };
}

/** The table that a foreign key leads to, with those of the wanted columns that it has. */
function documentsOf({ references }: VectorTable, wanted: PresetDocuments): ProposedSource["documents"] {
  const { through, ...lists } = wanted;
  const reference: Reference | undefined = references.find(({ column }) => column === through);
  if (reference === undefined) return undefined;
  const texts = reference.columns.filter((column) => isOfKind(column, "text") && column.name !== reference.key);
  const found = Object.entries(lists).flatMap(([part, names]) => {
    const column = pick(texts, names ?? []);
    return column === undefined ? [] : [[part, column.name]];
  });
  return { table: reference.table, key: reference.key, ...Object.fromEntries(found) };
}

function pick(columns: readonly CatalogueColumn[], names: readonly string[]): CatalogueColumn | undefined {
  const named = (name: string) => columns.find((column) => column.name.toLowerCase() === name);
  return names.map(named).find((column) => column !== undefined);
}
