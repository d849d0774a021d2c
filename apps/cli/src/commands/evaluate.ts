import { loadConfig } from "@reembed/config";
import { type Progress, runEvaluation } from "@reembed/migration/evaluate";
import { createLogger } from "@reembed/runtime";
import { type Command, Option } from "commander";
import { parseDevice } from "../hosting/devices.ts";
import { openServices } from "../hosting/services.ts";
import { wholeNumberFrom } from "../options.ts";
import { formatEvaluation } from "../output/describe-evaluation.ts";
import { printResult } from "../output/print.ts";
import { type ProgressBar, progressBars } from "../output/progress-bars.ts";

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
  queries.jsonl  {"_id": "q1", "text": "payday", "metadata": {"language": "en"}}, one per line; metadata is optional
  qrels.tsv      query-id, corpus-id and score, separated by tabs, after a line with these names. corpus-id is the uri of
                 a document; score 0 means that it does not help, and higher is better. Two further columns, start and
                 end, in characters, give the part of the document that was judged.

Without --qrels there are no judgements: the two answers are compared with each other, and sentences taken from chunks
must find the rest of their chunk. --sheet writes a sheet to grade.

An exact search reads every vector, which takes about 6 ms per 1,000 vectors of 1,024 dimensions: 250 queries over
1,000,000 chunks take half an hour per profile. --sample uses fewer queries, and --index searches as users do.`;

export function registerEvaluate(program: Command): void {
  program
    .command("evaluate")
    .description("compare the candidate's answers with the baseline's")
    .option("--queries <file.jsonl>", "queries to search for")
    .option("--qrels <file.tsv>", "judgements, or a sheet that was filled in")
    .option("--judged-only", "leave out queries without a judgement instead of counting them as unanswerable")
    .addOption(
      new Option("--logged <n>", "use the last <n> different queries of the search log")
        .argParser(wholeNumberFrom(1))
        .conflicts(["queries", "qrels"]),
    )
    .option("--sample <n>", "maximum number of queries, and of proxy queries up to 100", wholeNumberFrom(1), 1_000)
    .option("--k <n>", "number of results that the measures count", wholeNumberFrom(1), 10)
    .option("--grid", "embed up to 20,000 chunks in this process to separate the model's effect from the chunking's")
    .option("--index", "search through the ANN indexes, as users do, instead of exactly")
    .option(
      "--sheet <file.tsv>",
      "write the answers that differ most side by side, to be graded (.csv: separated by commas)",
    )
    .option("--device <device>", "cpu, webgpu, cuda or cuda:<number>", parseDevice, "cpu")
    .option("--json", "print one JSON object")
    .addHelpText("after", formats)
    .action(async ({ grid = false, index = false, json, ...flags }: EvaluateFlags) => {
      const settings = loadConfig(process.env);
      const log = createLogger(settings.logLevel);
      await using services = await openServices(settings, log);
      using bars = progressBars();
      const search = index ? "index" : "exact";
      const options = { ...flags, grid, search, log, progress: drawSteps(bars) } as const;
      const report = await runEvaluation(services.database, services.config, options);
      printResult(report, json, formatEvaluation(report));
    });
}

/** Draws a progress bar for each step from when it begins. */
function drawSteps(bars: ReturnType<typeof progressBars>): Progress {
  const drawn = new Map<string, ProgressBar>();
  return (step, done, total) => {
    const bar = drawn.get(step) ?? bars.add(step, "");
    drawn.set(step, bar);
    bar.update(done, total);
  };
}
