import { loadConfig, type Settings, unknownProfile } from "@reembed/config";
import { type Profile, ReembedError } from "@reembed/core";
import { modelFolder } from "@reembed/embedder";
import { chooseModel, describeProfile, requireFreeName, type SearchWish } from "@reembed/migration/profiles";
import { createLogger } from "@reembed/runtime";
import { checkTables } from "@reembed/store/database";
import {
  addProfile,
  readKnownProfiles,
  readProfileUses,
  removeAddedProfile,
  requireSameName,
} from "@reembed/store/profiles";
import type { Command } from "commander";
import { lacksGraph, prepareAndSay } from "../hosting/prepare-model.ts";
import { createAllTables, openBareDatabase, openServers } from "../hosting/services.ts";
import { numberBetween, wholeNumberFrom } from "../options.ts";
import { describeAdded, describeProfiles, describeShown, type ListedProfile } from "../output/describe-profiles.ts";
import { printResult } from "../output/print.ts";
import { addModelOptions, type ModelFlags } from "./model-options.ts";

interface AddFlags extends ModelFlags, SearchWish {
  folder?: string;
  model?: string;
  json?: boolean;
}

export function registerProfile(program: Command): void {
  const command = program
    .command("profile")
    .description("add, list or remove profiles: a model, its chunks and its search");
  registerAdd(command);
  command
    .command("list")
    .description("list the profiles that can be baseline or candidate")
    .option("--json", "print one JSON object")
    .action(async ({ json }: { json?: boolean }) => {
      const profiles = await listProfiles(loadConfig(process.env));
      printResult({ profiles }, json, describeProfiles(profiles));
    });
  command
    .command("show <name>")
    .description("show everything about a profile and its model")
    .option("--json", "print one JSON object")
    .action(async (name: string, { json }: { json?: boolean }) => {
      const profiles = await listProfiles(loadConfig(process.env));
      const shown = profiles.find((profile) => profile.name === name);
      if (shown === undefined) {
        throw unknownProfile(
          name,
          profiles.map((profile) => profile.name),
        );
      }
      printResult(shown, json, describeShown(shown));
    });
  command
    .command("remove <name>")
    .description("remove a profile that was added; its model's files stay")
    .option("--json", "print one JSON object")
    .action(async (name: string, { json }: { json?: boolean }) => {
      const settings = loadConfig(process.env);
      await using opened = await openBareDatabase(settings, createLogger(settings.logLevel));
      await checkTables(opened.database);
      await removeAddedProfile(opened.database, name);
      printResult({ removed: name }, json, `Profile ${name} is removed.`);
    });
}

function registerAdd(command: Command): void {
  const add = command
    .command("add <name>")
    .description("make a profile of a model, which can then be baseline or candidate")
    .option(
      "--folder <folder>",
      "folder of a model in Hugging Face layout, of which the files are copied to MODELS_DIR",
    )
    .option("--model <model>", "model of the catalogue, or a folder below MODELS_DIR")
    .option("--endpoint <address>", "an OpenAI-compatible server that has the model --id, such as http://tei:8080/v1")
    .option("--price <amount>", "what that server takes for a million tokens", numberBetween(0, 1e6))
    .option("--as-is", "vectors of --dimensions that nobody knows the model of");
  addModelOptions(add)
    .option("--chunk-size <characters>", "size of its chunks (default: as fits its tokens)", wholeNumberFrom(50))
    .option("--chunk-overlap <characters>", "characters that neighbouring chunks share", wholeNumberFrom(0))
    .option("--limit <results>", "maximum results of a search", wholeNumberFrom(1))
    .option("--threshold <cosine>", "least cosine similarity of a result", numberBetween(-1, 1))
    .option("--json", "print one JSON object")
    .action(async (name: string, flags: AddFlags) => {
      const settings = loadConfig(process.env);
      requireFreeName(name);
      const log = createLogger(settings.logLevel);
      await using servers = await openServers(settings, log);
      const { database } = servers;
      await checkTables(database).catch(async (error: unknown) => {
        if (!isBeforeInit(error, settings)) throw error;
        await createAllTables(servers);
      });
      const { folder: modelsFolder } = settings.models;
      const model = await chooseModel(flags, modelsFolder);
      const profile = describeProfile(name, model, flags);
      await requireSameName(database, profile);
      const lacking = await lacksGraph(model, modelsFolder);
      const prepared = lacking ? await prepareAndSay(model, { modelsFolder, device: "cpu" }) : undefined;
      await addProfile(database, profile);
      const files = model.endpoint === undefined && !model.unknown ? modelFolder(model, modelsFolder) : null;
      const leastCosine = prepared?.fidelity.leastCosine ?? null;
      printResult({ profile, files, leastCosine }, flags.json, describeAdded(profile, { files, leastCosine }));
    });
}

/** Tables of an older version are brought up by `init` alone, because older processes may work on them. */
function isBeforeInit(error: unknown, { databaseUrl }: Settings): boolean {
  if (!(error instanceof ReembedError)) return false;
  return error.code === "tables_missing" || (databaseUrl === undefined && error.code === "tables_outdated");
}

async function listProfiles(settings: Settings): Promise<ListedProfile[]> {
  await using opened = await openBareDatabase(settings, createLogger(settings.logLevel));
  const { profiles, registered } = await readKnownProfiles(opened.database);
  const uses = await readProfileUses(opened.database);
  const models = (profile: Profile) => registered.get(profile.name) ?? profile.model;
  return [...profiles.values()].map((profile) => ({
    ...profile,
    model: models(profile),
    ...(uses.get(profile.name) ?? { added: false, state: null, role: null }),
  }));
}
