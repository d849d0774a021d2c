import { setTimeout as delay } from "node:timers/promises";
import { ReembedError } from "@reembed/core";
import { type Database, schemaOf } from "@reembed/store/database";
import type { RegisteredProfile } from "@reembed/store/profiles";
import {
  type AnnBuildProgress,
  type AnnIndex,
  analyzeVectors,
  annIndexName,
  createAnnIndex,
  dropAnnIndex,
  lacksSharedMemory,
  openSession,
  readAnnIndex,
  setAnnSettings,
  tryBuildLock,
} from "@reembed/store/search";
import type { AskedBuild, BuildPlan } from "./plan-build.ts";

export interface BuildOptions {
  database: Database;
  profile: RegisteredProfile;
  asked: AskedBuild;
  plan: BuildPlan;
  /** Description of the plan. */
  planned: string;
  /** Receives each step and the progress of a build as text. */
  onStep: (step: string) => void;
  onProgress: (progress: AnnBuildProgress) => void;
  /** Ends the session and what follows it, at once; the server goes on building. */
  signal?: AbortSignal | undefined;
}

const pollMs = 500;

/**
 * Makes sure that there is a valid index: follows a build that is running, whoever started it; drops the invalid index of
 * an interrupted build; and builds one unless a valid one exists. Returns whether it built.
 *
 * A build runs in the server: it continues after this process has ended, and keeps the lock until it is done. To follow
 * it again after this command was killed, run the command again.
 * @throws ReembedError `index_differs` (exit code 3) if the valid index is not of the requested kind.
 */
export async function ensureIndex(options: BuildOptions): Promise<boolean> {
  const { database, profile, asked } = options;
  await using session = await openSession(database, options.signal);
  await untilNobodyBuilds(session, options);
  const index = await readAnnIndex(session, profile);
  if (index.valid) refuseOther(profile, index, { asked, schema: schemaOf(database) });
  else await rebuild(session, index, options);
  await analyzeVectors(session, profile);
  return !index.valid;
}

async function rebuild(session: Database, index: AnnIndex, options: BuildOptions): Promise<void> {
  const { database, profile, planned, onStep } = options;
  if (index.exists) {
    onStep(`${annIndexName(profile)} is invalid because its build was interrupted; it is dropped and built again`);
    await dropAnnIndex(session, profile);
  }
  onStep(`building an ${planned}`);
  await setAnnSettings(database, profile, null);
  await buildOrRetry(session, options);
}

async function buildOrRetry(session: Database, options: BuildOptions): Promise<void> {
  const { profile, plan, onStep } = options;
  try {
    await build(session, options, plan);
  } catch (error) {
    if (!lacksSharedMemory(error)) throw error;
    onStep(
      "the server has too little shared memory for a parallel build (--shm-size of its container), so one worker builds",
    );
    await dropAnnIndex(session, profile);
    await build(session, options, { ...plan, parallelWorkers: 0 });
  }
}

async function build(
  session: Database,
  { database, profile, onProgress }: BuildOptions,
  plan: BuildPlan,
): Promise<void> {
  const finished = new AbortController();
  const watching = watch(database, profile, onProgress, finished.signal);
  try {
    await createAnnIndex(session, profile, plan.shape, plan);
  } finally {
    finished.abort();
    await watching;
  }
}

async function watch(
  database: Database,
  profile: RegisteredProfile,
  onProgress: (progress: AnnBuildProgress) => void,
  finished: AbortSignal,
): Promise<void> {
  while (!finished.aborted) {
    // If the progress cannot be read, nothing is lost: the build itself reports its errors.
    const { building } = await readAnnIndex(database, profile).catch(() => ({ building: null }));
    if (building !== null) onProgress(building);
    await delay(pollMs, undefined, { signal: finished }).catch(() => undefined);
  }
}

async function untilNobodyBuilds(
  session: Database,
  { profile, onStep, onProgress, signal }: BuildOptions,
): Promise<void> {
  for (let waited = false; ; waited = true) {
    const locked = await tryBuildLock(session, profile);
    const { building } = await readAnnIndex(session, profile);
    if (locked && building === null) return;
    if (!waited)
      onStep(
        `following a build that is already running in the server${building === null ? "" : ` as process ${building.pid}`}`,
      );
    if (building !== null) onProgress(building);
    await delay(pollMs, undefined, { signal });
  }
}

function refuseOther(
  profile: RegisteredProfile,
  { kind, options }: AnnIndex,
  { asked, schema }: { asked: AskedBuild; schema: string },
): void {
  const wanted = { m: asked.m, ef_construction: asked.efConstruction, lists: asked.lists };
  const differs = Object.entries(wanted).some(([name, value]) => value !== undefined && options[name] !== value);
  if (kind === asked.kind && !differs) return;
  const has = [kind, ...Object.entries(options).map(([name, value]) => `${name} ${value}`)];
  const name = annIndexName(profile);
  throw new ReembedError("index_differs", `${name} already exists: ${has.join(", ")}.`, {
    exitCode: 3,
    remedy: `Keep it, or run DROP INDEX CONCURRENTLY ${schema}."${name}" and build again; searches are exact in between.`,
  });
}
