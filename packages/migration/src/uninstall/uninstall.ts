import { formatBytes, ReembedError } from "@reembed/core";
import { type QueueServer, queueSchema, removeQueues } from "@reembed/queue";
import { type Database, schemaOf } from "@reembed/store/database";
import { readExposures } from "@reembed/store/exposure";
import { readProfiles } from "@reembed/store/profiles";
import { readLiveWorkers } from "@reembed/store/progress";
import { readRollout } from "@reembed/store/rollout";
import { type Inventory, type ProvenTable, readInventory, removeEverything } from "@reembed/store/uninstall";

/** What may still need Reembed, in the order of the message. Each can be overruled with a reason. */
export const needs = ["rollout", "exposure", "workers"] as const;
export type Need = (typeof needs)[number];

export interface UninstallOptions {
  /** Needs that somebody has decided about, with the reason. */
  overrule: Partial<Record<Need, string>>;
  /** Called with a description before anything is removed. If it returns false, nothing is. */
  confirm: (question: string) => Promise<boolean>;
}

/** The output of `reembed uninstall --json`. */
export interface UninstallReport extends Omit<Inventory, "dependents"> {
  /** The application's statements, which ended alike before and after. */
  proven: ProvenTable[];
  overruled: Partial<Record<Need, string>>;
}

/**
 * Removes Reembed from a database: its triggers, schemas and functions, and the old vectors that a hand-over kept. Loaded
 * documents go with it. Returns nothing if it was not confirmed.
 * @throws ReembedError `still_needed` (exit code 3) that lists all objections, or of `removeEverything`.
 */
export async function uninstall(
  { database, queue }: { database: Database; queue: QueueServer },
  { overrule, confirm }: UninstallOptions,
): Promise<UninstallReport | undefined> {
  const { dependents, ...inventory } = await readInventory(database, {
    queueSchema: queue.kind === "postgres" ? queueSchema(queue) : undefined,
  });
  const objections = await findNeeds(database, inventory);
  const standing = needs.flatMap((need) => {
    const why = objections[need];
    return why === undefined || overrule[need] !== undefined ? [] : [`${need}: ${why}`];
  });
  // These would be dropped too, and nobody can decide that for them.
  standing.push(...dependents.map((dependent) => `${dependent} uses something of Reembed: drop it or change it.`));
  if (standing.length > 0) throw stillNeeded(standing);
  if (!(await confirm(describe(inventory)))) return undefined;
  const profiles = (await readProfiles(database)).map(({ name }) => name);
  const proven = await removeEverything(database, { ...inventory, dependents });
  // Last, because the database takes everything back if something is in the way, and Redis cannot.
  if (queue.kind === "redis") await removeQueues(queue, profiles);
  return { ...inventory, proven, overruled: overrule };
}

async function findNeeds(
  database: Database,
  { tables }: Pick<Inventory, "tables">,
): Promise<Partial<Record<Need, string>>> {
  const { candidate, percent } = await readRollout(database);
  const isHandedOver = tables.some(({ columns }) =>
    columns.some((name) => name.startsWith(`${schemaOf(database)}_old_`)),
  );
  const exposures = await readExposures(database);
  const workers = await readLiveWorkers(database);
  return {
    ...(percent > 0 && !isHandedOver
      ? {
          rollout: `${candidate} answers ${percent} % of subjects, and its vectors are only in the schema ${schemaOf(database)}; \`reembed finalize --hand-over\` writes them into the application's table.`,
        }
      : {}),
    ...(exposures.length > 0
      ? {
          exposure: `an application may read from ${exposures.map(({ schema }) => schema).join(", ")}; take it out of its search_path, and run \`reembed expose <profile> --remove\`.`,
        }
      : {}),
    ...(workers.length > 0 ? { workers: `${workers.length} are running; stop every process of Reembed first.` } : {}),
  };
}

function describe({ schemas, bytes, tables, functions }: Omit<Inventory, "dependents">): string {
  const parts = [
    `the schemas ${schemas.join(", ")} with all documents, chunks and vectors in them (${formatBytes(bytes)})`,
    ...functions.map((name) => `the function ${name}`),
    ...tables.flatMap(({ name, triggers, columns }) => [
      ...(triggers.length > 0 ? [`${triggers.length} triggers on ${name}`] : []),
      ...columns.map((column) => `the column ${column} of ${name}`),
    ]),
  ];
  return `This removes:${parts.map((part) => `\n  - ${part}`).join("")}\nThe application's statements are tried before and after; if one ends otherwise, nothing is removed. There is no way back.`;
}

function stillNeeded(objections: readonly string[]): ReembedError {
  const list = objections.map((objection) => `\n  - ${objection}`).join("");
  return new ReembedError("still_needed", `Reembed is still needed:${list}`, {
    exitCode: 3,
    remedy: 'Each that has a name can be overruled: --overrule rollout="why".',
  });
}
