import { formatCount } from "@reembed/core";
import { type Discovery, inSchemaOf, nameOf, type ProposedSource } from "@reembed/migration/adopt";

export function describeDiscovery(discoveries: readonly Discovery[]): string {
  if (discoveries.length === 0) return "No table has a column of pgvector's types vector or halfvec.";
  const tables = new Set(discoveries.map(({ table }) => table)).size;
  const first = `${tables} ${tables === 1 ? "table has" : "tables have"} vectors. Nothing was changed.`;
  return [first, ...discoveries.map(describeOne)].join("\n\n");
}

/** Longer expressions are cut: `--json` has all of them. */
const shownExpression = 90;

function describeOne(found: Discovery): string {
  const { table, framework, preset, source, obstacles, notes, settings, adopted, adoptedBy } = found;
  const { id, content, embedding, document, position, title, language, metadata, documents } = source;
  const parts = { content, embedding, document, position, title, language, metadata };
  const rows: [string, string][] = [
    [
      "made by",
      framework === null ? "unknown; proposed from the columns' types and names" : `${framework} (--as ${preset})`,
    ],
    ["vectors", `${found.column} ${describeVectors(found)}`],
    ["rows", describeRows(found)],
    ["id", id.join(", ") || "?"],
    ...Object.entries(parts).flatMap(([part, value]): [string, string][] => {
      return value === undefined ? [] : [[part, shorten(nameOf(value))]];
    }),
    ...(documents === undefined ? [] : [describeDocuments(documents)]),
    ...obstacles.map(({ what, remedy }): [string, string] => ["in the way", `${what} ${remedy}`]),
    ...notes.map((note): [string, string] => ["note", note]),
    ...(adopted ? [["adopted", "already: it has Reembed's triggers"] satisfies [string, string]] : []),
    ...adoptedBy.map((schema): [string, string] => ["adopted", `by another installation, in the schema ${schema}`]),
  ];
  return [
    table,
    ...rows.map(([label, text]) => `  ${label.padEnd(10)}  ${text}`),
    ...found.adoptions.flatMap((adoption) => describeAdoption(adoption, found)),
    ...(settings === null ? [] : describeSwitch(settings)),
  ]
    .join("\n")
    .replaceAll("{schema}", "<schema>");
}

/** What is to be done when the new vectors are there. */
function describeSwitch({ schema, model, type, upserts }: NonNullable<Discovery["settings"]>): string[] {
  const lines = [
    `npx reembed expose <profile>${type === undefined ? "" : ` --type ${type}`}`,
    schema,
    model,
    ...(upserts ? ["What writes with ON CONFLICT keeps the old schema: PostgreSQL refuses that on a view."] : []),
  ];
  return lines.map((line, index) => `  ${(index === 0 ? "to switch" : "").padEnd(10)}  ${line}`);
}

/** `vector(312): 312 dimensions; hnsw (vector_cosine_ops)`. */
export function describeVectors({
  type,
  dimensions,
  dimensionsFrom,
  unpadded,
  indexes,
}: Pick<Discovery, "type" | "dimensions" | "dimensionsFrom" | "unpadded" | "indexes">): string {
  const lengths =
    dimensions.length === 0 ? "no vector sampled" : `${dimensions.map(formatCount).join(" and ")} dimensions`;
  const padding = unpadded === null ? "" : `, of which ${formatCount(unpadded)} are the model's and the rest zeros`;
  const index = indexes.map(({ method, operators }) => `${method} (${operators})`).join(", ") || "no index";
  return `${type}: ${lengths}${dimensionsFrom === "sample" ? " in a sample" : ""}${padding}; ${index}`;
}

export function describeRows({ rows, rowsFrom }: Pick<Discovery, "rows" | "rowsFrom">): string {
  if (rows === null) return "unknown until the table is analyzed";
  return rowsFrom === "count" ? formatCount(rows) : `about ${formatCount(rows)}, by the planner's statistics`;
}

function describeDocuments({ table, key, ...columns }: NonNullable<ProposedSource["documents"]>): [string, string] {
  const named = Object.entries(columns).map(([part, column]) => `${part} ${column}`);
  return ["documents", [`${table} by ${key}`, ...named].join(", ")];
}

function describeAdoption({ collection, rows, dimensions, command }: Discovery["adoptions"][number], found: Discovery) {
  if (command === null) return [];
  const size = rows === null ? "" : `, about ${formatCount(rows)} rows`;
  const lengths = dimensions.length === 0 ? "" : `, ${dimensions.map(formatCount).join(" and ")} dimensions`;
  const heading = collection === null ? [] : [`  collection ${collection}${size}${lengths}`];
  const run = found.obstacles.length > 0 ? "then" : "run";
  if (found.schema === null) return [...heading, `  ${run.padEnd(10)}  npx ${command}`];
  const [init, adopt] = ["reembed init", command].map((one) => inSchemaOf(found.schema ?? "", one));
  return [...heading, `  ${run.padEnd(10)}  ${init}`, `  ${"then".padEnd(10)}  ${adopt}`];
}

function shorten(expression: string): string {
  const line = expression.replaceAll(/\s+/g, " ");
  return line.length <= shownExpression ? line : `${line.slice(0, shownExpression)}…`;
}
