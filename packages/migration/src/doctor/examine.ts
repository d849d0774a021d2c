import { existsSync } from "node:fs";
import { join } from "node:path";
import { activeProfiles, type Config, type Settings, withProfiles } from "@reembed/config";
import { queueSchemaOf, ReembedError } from "@reembed/core";
import { openEmbeddedDatabase } from "@reembed/embedded";
import { inspectModel } from "@reembed/embedder";
import { checkQueueTables, type QueueServer, type RedisFacts, readRedisFacts } from "@reembed/queue";
import { answerWithin, type Logger } from "@reembed/runtime";
import {
  checkDatabase,
  checkSessions,
  checkTables,
  type Database,
  openDatabase,
  readIdentity,
  schemaOf,
} from "@reembed/store/database";
import { readServerFacts, type ServerFacts } from "@reembed/store/diagnosis";
import { type RegisteredProfile, readKnownProfiles, readProfile } from "@reembed/store/profiles";
import { checkClocks } from "./clocks.ts";
import type { Check, DoctorContext } from "./context.ts";
import { checkDevice } from "./device.ts";
import { checkDisk } from "./disk.ts";
import { checkEndpoints } from "./endpoint.ts";
import { type Finding, fromError, ok, unchecked } from "./finding.ts";
import { checkGpu } from "./gpu.ts";
import { checkIndexes } from "./indexes.ts";
import { checkInstallations } from "./installations.ts";
import { checkMemory } from "./memory.ts";
import { checkModels } from "./models.ts";
import { checkNode } from "./node.ts";
import { checkPostgres } from "./postgres.ts";
import { checkProvenance } from "./provenance.ts";
import { checkRedis } from "./redis.ts";
import { checkReplication } from "./replication.ts";
import { checkRights } from "./rights.ts";
import { checkSettings } from "./settings.ts";
import { checkTexts } from "./texts.ts";
import { checkTriggers } from "./triggers.ts";
import { checkVectors } from "./vectors.ts";
import { checkWebhook } from "./webhook.ts";
import { checkWork } from "./work.ts";

/** The checks in the order of the output, by the name of the finding if a check fails itself. */
const checks: Record<string, Check> = {
  Node: checkNode,
  memory: checkMemory,
  GPU: checkGpu,
  models: checkModels,
  device: checkDevice,
  "embedding servers": checkEndpoints,
  PostgreSQL: checkPostgres,
  rights: checkRights,
  triggers: checkTriggers,
  installations: checkInstallations,
  settings: checkSettings,
  replication: checkReplication,
  disk: checkDisk,
  Redis: checkRedis,
  clocks: checkClocks,
  texts: checkTexts,
  vectors: checkVectors,
  "made by": checkProvenance,
  indexes: checkIndexes,
  work: checkWork,
  webhook: checkWebhook,
};

/** How long to wait for a server that accepts connections but does not answer, and for a check of large tables. */
const patienceMs = { server: 15_000, check: 300_000 };

export interface ExamineOptions {
  sample?: number | undefined;
  device?: string | undefined;
  /** An open database of which only the server is checked, as before `reembed init`, through the connections given. */
  server?: Database | undefined;
  /** Number of chunks that the candidate is expected to have, before the database knows it. */
  plannedChunks?: number | undefined;
}

/** Checks this host, the servers and the corpus and changes nothing. A server that is away becomes a finding. */
export async function examine(
  settings: Settings,
  log: Logger,
  { sample, device, server, plannedChunks }: ExamineOptions,
): Promise<Finding[]> {
  await using scope = new AsyncDisposableStack();
  const findings: Finding[] = [];
  const reached =
    server === undefined
      ? await reachDatabase(settings, scope, findings)
      : {
          database: server,
          server: await checkServer(settings, server, findings),
          config: withProfiles(settings, await readKnownProfiles(server)),
        };
  const redis = await reachRedis(settings, findings);
  const config = reached.config ?? resolveWithout(settings, findings);
  if (config === undefined) return findings;
  const context: DoctorContext = {
    ...{ config, log, sample, device, plannedChunks, redis },
    profiles: activeProfiles(config),
    models: [],
    ...{ database: undefined, server: undefined, queue: undefined, registered: [] },
    ...reached,
  };
  const models = new Map(context.profiles.map(({ model }) => [model.id, model]));
  context.models = await Promise.all([...models.values()].map((model) => inspectModel(config, model)));
  for (const [name, check] of Object.entries(checks)) {
    try {
      findings.push(...(await answerWithin(patienceMs.check, Promise.resolve(check(context)))));
    } catch (error) {
      findings.push(unchecked(name, error));
    }
  }
  return findings;
}

type Reached = Pick<DoctorContext, "config" | "database" | "server" | "queue" | "registered">;

/** Without a database only the catalogue's profiles are known. */
function resolveWithout(settings: Settings, findings: Finding[]): Config | undefined {
  try {
    return withProfiles(settings);
  } catch (error) {
    if (!(error instanceof ReembedError)) throw error;
    findings.push(fromError("profiles", error));
    return undefined;
  }
}

async function reachDatabase(
  config: Settings,
  scope: AsyncDisposableStack,
  findings: Finding[],
): Promise<Partial<Reached>> {
  try {
    const connectionString = config.databaseUrl ?? (await openEmbedded(config.folder, scope));
    if (connectionString === undefined) {
      findings.push(ok("database", `none yet in ${config.folder}; \`reembed init\` or \`reembed load\` creates it`));
      return {};
    }
    const database = openDatabase({ connectionString, schema: config.schema });
    scope.defer(() => database.$client.end());
    return await answerWithin(patienceMs.server, look(config, database, findings));
  } catch (error) {
    findings.push(error instanceof ReembedError ? fromError("database", error) : unchecked("database", error));
    return {};
  }
}

async function openEmbedded(folder: string, scope: AsyncDisposableStack): Promise<string | undefined> {
  if (!existsSync(join(folder, "data"))) return undefined;
  return scope.use(await openEmbeddedDatabase({ folder })).connectionString;
}

async function look(settings: Settings, database: Database, findings: Finding[]): Promise<Reached> {
  const server = await checkServer(settings, database, findings);
  const config = withProfiles(settings, await readKnownProfiles(database));
  const registered = await findTables(config, database, findings);
  const queue = registered.length === 0 ? undefined : await queueOf(config, database);
  return { config, database, server, registered, queue };
}

async function checkServer(settings: Settings, database: Database, findings: Finding[]): Promise<ServerFacts> {
  await checkDatabase(database).catch((error: unknown) => {
    // A server that is too old or has no pgvector gets a finding of its own.
    if (!(error instanceof ReembedError) || error.code === "database_unreachable") throw error;
  });
  if (settings.databaseUrl !== undefined) {
    await checkSessions(database, settings).catch((error: unknown) => {
      if (!(error instanceof ReembedError)) throw error;
      findings.push(fromError("sessions", error));
    });
  }
  return await readServerFacts(database);
}

async function queueOf({ redisUrl }: Config, database: Database): Promise<QueueServer> {
  if (redisUrl !== undefined) return { kind: "redis", url: redisUrl, prefix: await readIdentity(database) };
  const schema = queueSchemaOf(schemaOf(database));
  return { kind: "postgres", connectionString: database.$client.options.connectionString ?? "", schema };
}

/** Tables that are missing before `reembed init` are a warning, with `reembed init` as the remedy. */
async function findTables(config: Config, database: Database, findings: Finding[]): Promise<RegisteredProfile[]> {
  const registered: RegisteredProfile[] = [];
  const names = activeProfiles(config).map(({ name }) => name);
  try {
    await checkTables(database);
    if (config.databaseUrl !== undefined && config.redisUrl === undefined) {
      await checkQueueTables(await queueOf(config, database));
    }
    for (const name of names) registered.push(...(await findProfile(database, name, findings)));
    if (registered.length === names.length) findings.push(ok("tables", `of this version, with ${names.join(" and ")}`));
  } catch (error) {
    if (!(error instanceof ReembedError)) throw error;
    findings.push(fromError("tables", error, error.code === "tables_missing" ? "warning" : "problem"));
  }
  // The vectors of a retired profile and their table have been removed.
  return registered.filter(({ state }) => state !== "retired");
}

async function findProfile(database: Database, name: string, findings: Finding[]): Promise<RegisteredProfile[]> {
  try {
    return [await readProfile(database, name)];
  } catch (error) {
    if (!(error instanceof ReembedError)) throw error;
    findings.push(fromError("tables", error, "warning"));
    return [];
  }
}

async function reachRedis(config: Settings, findings: Finding[]): Promise<RedisFacts | undefined> {
  if (config.redisUrl === undefined) return undefined;
  try {
    return await answerWithin(patienceMs.server, readRedisFacts(config.redisUrl));
  } catch (error) {
    findings.push(error instanceof ReembedError ? fromError("Redis", error) : unchecked("Redis", error));
    return undefined;
  }
}
