import fc from "fast-check";
import { type CorpusKind, openCorpus } from "./corpus.ts";
import { contentOf, documentsAtMost, insert, sequences, text } from "./events.ts";
import { settle } from "./settle.ts";
import { openStage, type Stage, World } from "./world.ts";

export interface SequencesOptions {
  runs: number;
  seed: number;
  /** Maximum number of events of a sequence. */
  events: number;
  /** The path that a failure printed, to repeat only that failure. */
  path?: string | undefined;
  replayPath?: string | undefined;
  /** Shortens a failing sequence as far as possible; without it, a failure is reported sooner. */
  shrink?: boolean;
  /** Shared by parallel lanes: the number of the lane that has failed, or 0. After a failure the other lanes stop. */
  failed?: { lane: number; shared: Int32Array };
}

export interface SequencesReport {
  runs: number;
  /** How often each event happened. */
  events: Record<string, number>;
  failure: SequencesFailure | null;
}

interface SequencesFailure {
  /** The violated invariant. */
  message: string;
  /** The shortest failing sequence of events that was found. */
  events: string[];
  seed: number;
  path: string;
  replayPath: string;
}

/** One corpus of each kind, each in its own database. */
export type Stages = Record<CorpusKind, Stage> & AsyncDisposable;

export async function openStages(connectionStrings: Record<CorpusKind, string>): Promise<Stages> {
  await using scope = new AsyncDisposableStack();
  const open = async (kind: CorpusKind) => {
    const connectionString = connectionStrings[kind];
    return scope.use(await openStage(scope.use(openCorpus(kind, connectionString)), connectionString));
  };
  const stages = { own: await open("own"), adopted: await open("adopted") };
  const opened = scope.move();
  return { ...stages, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

/**
 * Runs sequences of events that fast-check chooses, each on an empty corpus. Checks all invariants after each event, and
 * the final state after everything has run to its end. Stops at the first failure and shortens it as far as possible.
 */
export async function runSequences(stages: Stages, options: SequencesOptions): Promise<SequencesReport> {
  const { runs, seed, events, path, replayPath, shrink = true, failed } = options;
  const happened: Record<string, number> = {};
  const property = fc.asyncProperty(
    fc.constantFrom<CorpusKind>("own", "adopted"),
    fc.array(text, { maxLength: documentsAtMost - 3, size: "max" }),
    sequences(events, replayPath),
    async (kind, contents, commands) => {
      if (failed !== undefined && ![0, failed.lane].includes(Atomics.load(failed.shared, 0))) return;
      const world = await World.begin(stages[kind], happened);
      try {
        for (const index of contents) await insert(world, index);
        await fc.asyncModelRun(() => ({ model: world, real: world }), commands);
        await settle(world);
      } catch (error) {
        if (failed !== undefined) Atomics.compareExchange(failed.shared, 0, 0, failed.lane);
        throw error;
      } finally {
        await world.end();
      }
    },
  );
  const details = await fc.check(property, {
    numRuns: runs,
    seed,
    endOnFailure: !shrink,
    ...(path === undefined ? {} : { path }),
  });
  return { runs: details.numRuns, events: happened, failure: details.failed ? describeFailure(details) : null };
}

function describeFailure(
  details: fc.RunDetails<[CorpusKind, number[], Iterable<fc.AsyncCommand<World, World>>]>,
): SequencesFailure {
  const [kind, contents, commands] = details.counterexample ?? ["own", [], []];
  const { errorInstance: error, seed, counterexamplePath } = details;
  return {
    message: error instanceof Error ? (error.stack ?? error.message) : String(error),
    events: [`begin: ${kind} chunks: ${contents.map(contentOf).join(", ")}`, ...Array.from(commands, String)],
    seed,
    path: counterexamplePath ?? "",
    replayPath: /replayPath="(.*?)"/.exec(String(commands))?.[1] ?? "",
  };
}

/** Runs one sequence after another. Several lanes run in parallel, because each waits for PostgreSQL most of the time. */
export interface Lane {
  connectionStrings: Record<CorpusKind, string>;
  options: SequencesOptions;
}

export async function runLanes(lanes: readonly Lane[]): Promise<SequencesReport[]> {
  return await Promise.all(
    lanes.map(async ({ connectionStrings, options }) => {
      await using stages = await openStages(connectionStrings);
      return await runSequences(stages, options);
    }),
  );
}
