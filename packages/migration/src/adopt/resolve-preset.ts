import { ReembedError } from "@reembed/core";
import type { Database } from "@reembed/store/database";
import { readVectorTables } from "@reembed/store/discovery";
import { type Preset, presets } from "./presets/index.ts";
import { fromPreset, type ProposedSource } from "./proposal.ts";
import { differences, type PartName } from "./recognise.ts";

/**
 * A preset's parts for a table.
 * @param given Parts that replace the preset's.
 * @throws ReembedError `preset_unknown`, `table_missing` or `preset_differs` (exit code 2).
 */
export async function resolvePreset(
  database: Database,
  { table: wanted, preset: name, given }: { table: string; preset: string; given: Partial<ProposedSource> },
): Promise<ProposedSource> {
  const preset = findPreset(name);
  const [table] = await readVectorTables(database, wanted);
  if (table === undefined) {
    throw new ReembedError("table_missing", `There is no table ${wanted} with a column of type vector or halfvec.`, {
      exitCode: 2,
      remedy: "`reembed adopt` without a table lists those that there are.",
    });
  }
  const lacking = differences(table, preset, new Set(Object.keys(given) as PartName[]));
  if (lacking.length > 0) {
    throw new ReembedError(
      "preset_differs",
      `${table.name} is not a table of ${preset.framework}: ${lacking.join(", and ")}.`,
      {
        exitCode: 2,
        remedy:
          "`reembed adopt` without a table says what it recognises; an option such as --content replaces a part of the preset.",
      },
    );
  }
  return { ...fromPreset(table, preset), ...given };
}

function findPreset(name: string): Preset {
  const preset = presets.find((one) => one.name === name);
  if (preset !== undefined) return preset;
  throw new ReembedError("preset_unknown", `There is no preset ${name}.`, {
    exitCode: 2,
    remedy: `The presets are ${presets.map((one) => one.name).join(", ")}.`,
  });
}
