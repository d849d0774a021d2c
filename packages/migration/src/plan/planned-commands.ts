import type { Config } from "@reembed/config";
import { isRechunked } from "@reembed/core";
import { inSchemaOf } from "../adopt/suggest-schema.ts";
import type { PlannedCommand } from "./plan.ts";

export interface CommandOptions {
  config: Pick<Config, "baseline" | "candidate">;
  /** The command that adopts the table; null if it is adopted already. */
  adopt: string | null;
  /** What `REEMBED_SCHEMA` has to be; null if the environment's own is right. */
  schema?: string | null;
}

/** The commands of a whole migration, in order. */
export function listCommands({
  config: { baseline, candidate },
  adopt,
  schema = null,
}: CommandOptions): PlannedCommand[] {
  const [from, to] = [baseline.name, candidate.name];
  const rows: [command: string, does: string][] = [
    ["reembed doctor", "Checks this host, the servers and the models."],
    [
      adopt === null ? "reembed rehearse" : adopt.replace("reembed adopt", "reembed rehearse"),
      "Plays all of the below with 1 % of the rows, in schemas of its own, and removes them.",
    ],
    ["reembed init", "Creates Reembed's own tables in a schema of their own."],
    ...(adopt === null
      ? []
      : ([
          [
            adopt,
            `Embeds a sample of texts again to prove that ${from} made the vectors, adds triggers, copies the vectors.`,
          ],
        ] satisfies [string, string][])),
    ...(isRechunked(candidate)
      ? [["reembed rechunk", "Cuts every document in the candidate's chunks."] satisfies [string, string]]
      : []),
    ["reembed estimate --workers 4", "Tells tokens, time and disk once more, from the adopted rows."],
    ["reembed producer", "Fills the queue with what is to be embedded; it keeps running."],
    [`reembed worker --profile ${from}`, "Embeds edits for the baseline; it keeps running."],
    [`reembed worker --profile ${to}`, "Embeds for the candidate; one for each device, on as many hosts as you have."],
    ["reembed backfill start --order newest", "Begins; can be paused and resumed at any time."],
    ["reembed status --watch", "Shows the stage, the progress, and what stops it."],
    ["reembed index build", "Builds the ANN index concurrently, and measures its recall."],
    ["reembed verify", "Proves from texts and vectors that nothing is missing or wrong."],
    ["reembed evaluate", "Compares what both models find."],
    [
      `reembed expose ${to} --role <role>`,
      "Lets the application, which connects with this role, find the new vectors by its search_path.",
    ],
    ["reembed rollout shadow 20", "The candidate answers too, unseen."],
    [
      'reembed rollout set 10 --reason "first people"',
      "Then 50, then 100; `reembed rollback` gives everybody back within a second.",
    ],
    ["reembed report", "Writes down what was done, with its proofs."],
    ["reembed finalize", "Removes the old vectors, after a question; there is no way back."],
  ];
  return rows.map(([command, does]) => ({
    command: schema === null ? `npx ${command}` : inSchemaOf(schema, command),
    does,
  }));
}
