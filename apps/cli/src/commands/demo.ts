import { join } from "node:path";
import { type Config, loadConfig, withProfiles } from "@reembed/config";
import { chunkingName, formatCount, formatShare, formatTable } from "@reembed/core";
import { createLogger } from "@reembed/runtime";
import type { Command } from "commander";
import { type Demo, runDemo } from "../demo/run-demo.ts";
import { untilStopped } from "../hosting/serve.ts";

interface DemoFlags {
  once?: boolean;
  json?: boolean;
}

/** The demo migrates between the stand-in models and does not wait for ticks. The environment overrides these. */
const demoDefaults = {
  BASELINE_PROFILE: "mini-rubert",
  CANDIDATE_PROFILE: "mini-m3",
  TICK_SECONDS: "0.25",
  LOG_LEVEL: "error",
  // The demo's fault must be noticed within seconds and from few searches.
  GUARDRAIL_WINDOW_SECONDS: "60",
  GUARDRAIL_LEAST_SEARCHES: "20",
};

export function registerDemo(program: Command): void {
  program
    .command("demo")
    .description("run the whole migration on the sample handbook, and keep its pages open")
    .option("--once", "exit when the migration is done")
    .option("--json", "print one JSON object at the end")
    .action(async ({ once, json }: DemoFlags) => {
      const config = demoConfig();
      const log = createLogger(config.logLevel);
      const play = async (scope: AsyncDisposableStack) => {
        const demo = scope.use(await runDemo(config, log));
        process.stdout.write(json ? `${JSON.stringify(demo.result)}\n` : `\n${summarize(demo)}\n`);
        return demo;
      };
      if (once) {
        await using scope = new AsyncDisposableStack();
        return void (await play(scope));
      }
      await untilStopped({ log, name: "demo" }, async (scope) => {
        const { dashboardUrl, searchUrl } = await play(scope);
        process.stderr.write(
          `\nSearch     ${searchUrl}\nOverview   ${dashboardUrl}\nBull Board ${dashboardUrl}board\nCtrl-C ends the demo.\n`,
        );
      });
    });
}

function demoConfig(): Config {
  const config = withProfiles(loadConfig(process.env, demoDefaults));
  return { ...config, folder: join(config.folder, "demo") };
}

function summarize({ profiles, result }: Demo): string {
  const table = formatTable([
    ["profile", "chunking", "dimensions", "chunks", "embedded", "coverage", "nDCG@10", "recall@10"],
    ...profiles.map(({ profile, chunks, embedded, coverage }, index) => [
      profile.name,
      chunkingName(profile.chunking),
      `${profile.model.dimensions}`,
      formatCount(chunks),
      formatCount(embedded),
      formatShare(coverage),
      (index === 0 ? result.baseline : result.candidate).ndcg10.toFixed(3),
      (index === 0 ? result.baseline : result.candidate).recall10.toFixed(3),
    ]),
  ]);
  const seconds = (result.elapsedMs / 1_000).toFixed(1);
  return `${table}\n\n${formatCount(result.documents)} documents in ${seconds} s, ${formatCount(result.tokensPerSecond)} tokens/s`;
}
