import { loadConfig } from "@reembed/config";
import { createLogger } from "@reembed/runtime";
import { type Command, Option } from "commander";
import type { Progress } from "../evaluate/contender.ts";
import { formatEvaluation } from "../evaluate/format-report.ts";
import { runEvaluation } from "../evaluate/run-evaluation.ts";
import { wholeNumberFrom } from "../options.ts";
import { printResult } from "../output.ts";
import { type ProgressBar, progressBars } from "../progress.ts";
import { openServices } from "../services.ts";
import { parseDevice } from "../supervisor/devices.ts";

interface EvaluateFlags {
  queries?: string;
  qrels?: string;
  judgedOnly?: boolean;
  logged?: number;
  sample: number;
  k: number;
  grid?: boolean;
  index?: boolean;
  sheet?: string;
  device: string;
  json?: boolean;
}

const formats = `
Files, in BEIR's layout:
  queries.jsonl  {"_id": "q1", "text": "payday", "metadata": {"language": "en"}}, one a line; metadata is optional
  qrels.tsv      query-id, corpus-id, score, between tabs, under a line with these names; corpus-id is a document's uri,
                 score 0 does not help, more helps more. With start and end, in characters, a part of it is judged.

Without --qrels nobody has judged what is found: both are compared with each other, by sentences taken out of chunks,
and --sheet writes what to judge.

An exact search reads every vector, some 6 ms per 1,000 of 1,024 dimensions: 250 queries over 1,000,000 chunks take half
an hour a side. --sample asks fewer, and --index searches as users are answered.`;

export function registerEvaluate(program: Command): void {
  program
    .command("evaluate")
    .description("compare what the candidate finds with what the baseline finds")
    .option("--queries <file.jsonl>", "queries to ask")
    .option("--qrels <file.tsv>", "judgements of their answers, or a sheet that was filled in")
    .option("--judged-only", "leave out queries without a judgement: they are no unanswerable ones")
    .addOption(
      new Option("--logged <n>", "ask the last queries that were logged: so many different ones")
        .argParser(wholeNumberFrom(1))
        .conflicts(["queries", "qrels"]),
    )
    .option("--sample <n>", "queries at most, and proxies up to 100", wholeNumberFrom(1), 1_000)
    .option("--k <n>", "results that the measures look at", wholeNumberFrom(1), 10)
    .option("--grid", "embed up to 20,000 chunks here to tell the model's effect from the chunking's")
    .option("--index", "search through the ANN indexes, as users are answered, instead of exactly")
    .option("--sheet <file.tsv>", "write the most different answers side by side, to be graded; .csv for commas")
    .option("--device <device>", "cpu, webgpu, cuda or cuda:<number>", parseDevice, "cpu")
    .option("--json", "print one JSON object")
    .addHelpText("after", formats)
    .action(async ({ grid = false, index = false, json, ...flags }: EvaluateFlags) => {
      const config = loadConfig(process.env);
      const log = createLogger(config.logLevel);
      await using services = await openServices(config, log);
      using bars = progressBars();
      const search = index ? "index" : "exact";
      const options = { ...flags, grid, search, log, progress: drawSteps(bars) } as const;
      const report = await runEvaluation(services.database, config, options);
      printResult(report, json, formatEvaluation(report));
    });
}

/** A bar for each step, from when it begins. */
function drawSteps(bars: ReturnType<typeof progressBars>): Progress {
  const drawn = new Map<string, ProgressBar>();
  return (step, done, total) => {
    const bar = drawn.get(step) ?? bars.add(step, "");
    drawn.set(step, bar);
    bar.update(done, total);
  };
}
