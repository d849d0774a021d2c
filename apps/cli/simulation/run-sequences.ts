import fc from "fast-check";
import { type CorpusKind, openCorpus } from "./corpus.ts";
import { contentOf, documentsAtMost, insert, sequences, text } from "./events.ts";
import { settle } from "./settle.ts";
import { openStage, type Stage, World } from "./world.ts";

export interface SequencesOptions {
  runs: number;
  seed: number;
  /** Events of a sequence at most. */
  events: number;
  /** As a failure printed them, to repeat it alone. */
  path?: string | undefined;
  replayPath?: string | undefined;
  /** Makes a sequence that fails as short as it can; without it, the failure is told sooner. */
  shrink?: boolean;
  /** Shared by lanes that run at a time: the number of the one that has failed, or 0. The others do nothing then. */
  failed?: { lane: number; shared: Int32Array };
}

export interface SequencesReport {
  runs: number;
  /** How often each event happened. */
  events: Record<string, number>;
  failure: SequencesFailure | null;
}

interface SequencesFailure {
  /** What does not hold. */
  message: string;
  /** The shortest sequence of events that was found to lead there. */
  events: string[];
  seed: number;
  path: string;
  replayPath: string;
}

/** A corpus of each kind, in databases of their own. */
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
 * Runs sequences of events that fast-check chooses, each on an empty corpus, and checks all invariants after each event
 * and what is left when everything has gone on to its end. Stops at the first failure and makes it as short as it can.
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

/** One sequence after another. Several lanes run at a time, because each waits for PostgreSQL most of the time. */
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
