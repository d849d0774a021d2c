import { configuredProfile, loadConfig } from "@reembed/config";
import { createLogger } from "@reembed/runtime";
import type { ChunkSource } from "@reembed/store";
import type { Command } from "commander";
import { type AdoptionReport, adoptTable } from "../adopt/adopt-table.ts";
import { wholeNumberFrom } from "../options.ts";
import { formatCount, printResult, printUnchanged } from "../output.ts";
import { progressBars } from "../progress.ts";
import { openServices } from "../services.ts";

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
    .description("take over an application's table of chunks and vectors, whose rows stay as they are")
    .option("--id <column>", "of the chunks: whole numbers", "id")
    .option("--content <column>", "their text", "content")
    .option("--embedding <column>", "their vector", "embedding")
    .option("--document <column>", "the key of their document", "document_id")
    .option("--position <column>", "their place in it", "chunk_index")
    .option("--documents <table>", "the table of documents, where there is one")
    .option("--documents-key <column>", "what the chunks name a document by", "id")
    .option("--uri <column>", "of the documents; their key without it")
    .option("--title <column>", "of the documents; their uri without it")
    .option("--language <column>", "of the documents")
    .option("--body <column>", "the whole text; without it, it is put together from the chunks")
    .option("--profile <name>", "the profile that the table becomes; the baseline without it")
    .option(
      "--sample <vectors>",
      "so many are embedded again and compared before any is taken",
      wholeNumberFrom(1),
      200,
    )
    .option("--reembed", "leave the vectors behind: workers embed all chunks")
    .option("--device <device>", "for the comparison", "cpu")
    .option("--dry-run", "print the SQL and change nothing")
    .option("--json", "print one JSON object")
    .action(async (table: string, flags: AdoptFlags) => {
      const config = loadConfig(process.env);
      const log = createLogger(config.logLevel);
      await using services = await openServices(config, log, flags);
      using bars = progressBars();
      const { sample, device, reembed = false, json, dryRun } = flags;
      const profile = configuredProfile(config, flags.profile ?? config.baseline.name);
      const { database } = services;
      const bar = bars.add("adopting", "ids");
      const wanted = sourceOf(table, flags);
      const report = await adoptTable({ database, config, profile, wanted, sample, reembed, device, bar, log });
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

function describe({ table, profile, chunking, resumed, documents, vectors, checked, paused }: AdoptionReport): string {
  const compared =
    checked === undefined
      ? []
      : [`compared   ${formatCount(checked.compared)} vectors; least cosine ${checked.leastCosine.toFixed(4)}`];
  return [
    `${table} is the corpus of ${profile}, as ${chunking}${resumed ? "; it was before, and is complete now" : ""}.`,
    ...compared,
    `documents  ${formatCount(documents)} created`,
    `vectors    ${formatCount(vectors.copied)} copied, ${formatCount(vectors.left)} left to workers`,
    ...paused.map((name) => `${name} waits for \`reembed backfill start\`; \`reembed rechunk\` makes its chunks.`),
  ].join("\n");
}
