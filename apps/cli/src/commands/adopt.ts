import { configuredProfile, loadConfig } from "@reembed/config";
import { formatCount } from "@reembed/core";
import { type AdoptionReport, adoptTable } from "@reembed/migration/adopt";
import { createLogger } from "@reembed/runtime";
import type { ChunkSource } from "@reembed/store/schema";
import { type Command, Option } from "commander";
import { openServices } from "../hosting/services.ts";
import { wholeNumberFrom } from "../options.ts";
import { printResult, printUnchanged } from "../output/print.ts";
import { progressBars } from "../output/progress-bars.ts";

interface AdoptFlags {
  id: string;
  content: string;
  embedding: string;
  document: string;
  position: string;
  documents?: string;
  documentsKey: string;
  uri?: string;
  title?: string;
  language?: string;
  body?: string;
  chunks?: "keep" | "cut";
  profile?: string;
  sample: number;
  reembed?: boolean;
  device: string;
  dryRun?: boolean;
  json?: boolean;
}

export function registerAdopt(program: Command): void {
  program
    .command("adopt <table>")
    .description("use an application's table of chunks and vectors as the corpus, without changing its rows")
    .option("--id <column>", "column of the chunks' ids, which are whole numbers", "id")
    .option("--content <column>", "column of the chunks' text", "content")
    .option("--embedding <column>", "column of the chunks' vectors", "embedding")
    .option("--document <column>", "column with the key of a chunk's document", "document_id")
    .option("--position <column>", "column with a chunk's position in its document", "chunk_index")
    .option("--documents <table>", "table of documents, if there is one")
    .option("--documents-key <column>", "column of the documents that the chunks refer to", "id")
    .option("--uri <column>", "column of the documents' uris (default: their key)")
    .option("--title <column>", "column of the documents' titles (default: their uri)")
    .option("--language <column>", "column of the documents' language")
    .option("--body <column>", "column of the documents' text (default: assembled from the chunks)")
    .addOption(
      new Option(
        "--chunks <how>",
        "keep the table's rows as the candidate's chunks, or cut the documents anew (default: keep, unless --body or MAX_CHUNK_SIZE is given)",
      ).choices(["keep", "cut"]),
    )
    .option("--profile <name>", "profile that the table becomes (default: the baseline)")
    .option("--sample <vectors>", "vectors to embed again and compare before any is copied", wholeNumberFrom(1), 200)
    .option("--reembed", "do not copy the vectors; workers embed all chunks")
    .option("--device <device>", "device for the comparison", "cpu")
    .option("--dry-run", "print the SQL and change nothing")
    .option("--json", "print one JSON object")
    .action(async (table: string, flags: AdoptFlags) => {
      const config = loadConfig(process.env);
      const log = createLogger(config.logLevel);
      await using services = await openServices(config, log, flags);
      using bars = progressBars();
      const { sample, device, reembed = false, chunks, json, dryRun } = flags;
      const profile = configuredProfile(config, flags.profile ?? config.baseline.name);
      const { database } = services;
      const { update: onProgress } = bars.add("adopting", "ids");
      const wanted = sourceOf(table, flags);
      const options = { database, config, profile, wanted, chunks, sample, reembed, device, onProgress, log };
      const report = await adoptTable(options);
      if (dryRun) printUnchanged();
      else printResult(report, json, describe(report));
    });
}

function sourceOf(table: string, flags: AdoptFlags): ChunkSource {
  const {
    id,
    content,
    embedding,
    document,
    position,
    documents,
    documentsKey: key,
    uri,
    title,
    language,
    body,
  } = flags;
  const chunks = { table, id, content, embedding, document, position };
  if (documents === undefined) return chunks;
  const given = Object.entries({ uri, title, language, body }).filter(([, column]) => column !== undefined);
  return { ...chunks, documents: { table: documents, key, ...Object.fromEntries(given) } };
}

function describe({
  table,
  profile,
  chunking,
  chunks,
  resumed,
  documents,
  vectors,
  checked,
  paused,
  warnings,
}: AdoptionReport): string {
  const compared =
    checked === undefined
      ? []
      : [`compared   ${formatCount(checked.compared)} vectors; least cosine ${checked.leastCosine.toFixed(4)}`];
  const next = chunks === "keep" ? "; it embeds the same rows." : "; `reembed rechunk` cuts its chunks.";
  return [
    `${table} is now the corpus of ${profile}, as chunking ${chunking}${resumed ? "; it had been adopted before, and is complete now" : ""}.`,
    ...compared,
    `documents  ${formatCount(documents)} created`,
    `vectors    ${formatCount(vectors.copied)} copied, ${formatCount(vectors.left)} left for workers to embed`,
    ...paused.map((name) => `${name} waits for \`reembed backfill start\`${next}`),
    ...warnings.map((text) => `warning    ${text}`),
  ].join("\n");
}
