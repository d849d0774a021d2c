import type { CatalogueColumn, VectorTable } from "@reembed/store/discovery";
import type { ColumnKind, Preset, PresetParts } from "./presets/preset.ts";

/** A preset's parts, by what an operator can override. */
export type PartName = keyof PresetParts;

const kinds: Record<ColumnKind, (column: CatalogueColumn) => boolean> = {
  text: ({ category }) => category === "S",
  whole: ({ base }) => /^int[248]$/.test(base),
  uuid: ({ base }) => base === "uuid",
  json: ({ base }) => base === "json" || base === "jsonb",
  vector: ({ base }) => base === "vector" || base === "halfvec",
  timestamp: ({ base }) => /^timestamp/.test(base),
  bytes: ({ base }) => base === "bytea",
};

const kindNames: Record<ColumnKind, string> = {
  text: "a text",
  whole: "a whole number",
  uuid: "a uuid",
  json: "json or jsonb",
  vector: "a vector or halfvec",
  timestamp: "a timestamp",
  bytes: "bytea",
};

export function isOfKind(column: CatalogueColumn, kind: ColumnKind): boolean {
  return kinds[kind](column);
}

/** The columns that an expression names. */
export function columnsIn(expression: string): string[] {
  return [...expression.matchAll(/"((?:[^"]|"")+)"/g)].map(([, name = ""]) => name.replaceAll('""', '"'));
}

/** The preset of the framework that made a table, by its columns and, where others have the same, by its name. */
export function recognise(table: VectorTable, presets: readonly Preset[]): Preset | undefined {
  const fitting = presets.filter((preset) => differences(table, preset).length === 0);
  const named = fitting.filter((preset) => preset.tables.source !== "." && preset.tables.test(table.table));
  return named[0] ?? fitting.find((preset) => preset.distinctive);
}

/**
 * What a table lacks for a preset, a sentence each.
 * @param overridden Parts that come from elsewhere, whose columns are not needed.
 */
export function differences(
  { columns }: Pick<VectorTable, "columns">,
  preset: Preset,
  overridden: ReadonlySet<PartName> = new Set(),
): string[] {
  const needed = new Set(
    partsOf(preset).flatMap(([part, expressions]) => (overridden.has(part) ? [] : expressions.flatMap(columnsIn))),
  );
  const replaced = new Set(
    partsOf(preset).flatMap(([part, expressions]) => (overridden.has(part) ? expressions.flatMap(columnsIn) : [])),
  );
  return Object.entries(preset.columns).flatMap(([name, wanted]) => {
    if (replaced.has(name) && !needed.has(name)) return [];
    const column = columns.find((present) => present.name === name);
    if (column === undefined) return [`it has no column ${name}`];
    const allowed = [wanted].flat();
    if (allowed.some((kind) => isOfKind(column, kind))) return [];
    return [`its column ${name} is ${column.type}, not ${allowed.map((kind) => kindNames[kind]).join(" or ")}`];
  });
}

function partsOf({ parts }: Preset): [PartName, string[]][] {
  const { id, ...others } = parts;
  const named = Object.entries(others) as [Exclude<PartName, "id">, string][];
  return [["id", id.map((name) => `"${name}"`)], ...named.map(([part, text]): [PartName, string[]] => [part, [text]])];
}
