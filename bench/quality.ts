import { parseArgs } from "node:util";
import { loadConfig, withProfiles } from "@reembed/config";
import { messageOf, ReembedError } from "@reembed/core";
import { handbook } from "./quality/corpus.ts";
import { formatReport } from "./quality/format-report.ts";
import { measureQuality } from "./quality/measure-quality.ts";
import { writeDocs } from "./quality/write-docs.ts";

const usage = `npm run quality -- [--baseline <profile>] [--candidate <profile>] [--judgements <folder>] [--json] [--write]

  --baseline, --candidate  registered profiles; mini-rubert and mini-m3 unless the environment says otherwise
  --judgements             folder of queries.jsonl and qrels.tsv about the sample handbook
  --json                   print one JSON object last
  --write                  write docs/quality.md and its pictures`;

try {
  await main();
} catch (error) {
  const known = error instanceof ReembedError;
  console.error(known ? `error: ${error.message}\n${error.remedy ?? ""}` : error);
  process.exitCode = known ? error.exitCode : 1;
}

async function main(): Promise<void> {
  const { baseline, candidate, judgements, json, write, help } = readFlags();
  if (help) return console.log(usage);
  const chosen = { BASELINE_PROFILE: baseline, CANDIDATE_PROFILE: candidate };
  const given = Object.entries(chosen).filter(([, name]) => name !== undefined);
  const config = withProfiles(
    loadConfig(
      { ...process.env, ...Object.fromEntries(given) },
      { BASELINE_PROFILE: "mini-rubert", CANDIDATE_PROFILE: "mini-m3" },
    ),
  );
  const measured = await measureQuality(config, judgements ?? handbook, (step) => console.error(step));
  console.log(formatReport(measured.report));
  if (write) await writeDocs(measured);
  if (json) console.log(JSON.stringify(measured.report, rounded));
}

function readFlags() {
  const name = { type: "string" } as const;
  const flag = { type: "boolean" } as const;
  const options = { baseline: name, candidate: name, judgements: name, json: flag, write: flag, help: flag };
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    throw new ReembedError("usage", messageOf(error), { exitCode: 2, remedy: usage });
  }
}

/** The intervals are wider than four decimals can show. */
function rounded(_key: string, value: unknown): unknown {
  return typeof value === "number" ? Number(value.toFixed(4)) : value;
}
