import { takeChanges } from "@reembed/store/changes";
import fc from "fast-check";
import { readFacts } from "./facts.ts";
import { checkInvariants } from "./invariants.ts";
import { programs, startWorkerOn, tellToStop } from "./programs.ts";
import type { Loss, SimulatedProcess } from "./simulated-process.ts";
import { texts } from "./texts.ts";
import type { World } from "./world.ts";

interface Event {
  /** The name under which it is counted. */
  name: string;
  /** Printed after the name. */
  details?: string;
  /** Whether it can happen in the present state of the world; otherwise it is skipped. */
  check: (world: World) => boolean;
  run: (world: World) => Promise<void> | void;
}

/** An event, after which every invariant is checked. */
class Command implements fc.AsyncCommand<World, World> {
  readonly #event: Event;

  constructor(event: Event) {
    this.#event = event;
  }

  check(world: World): boolean {
    return this.#event.check(world);
  }

  async run(world: World): Promise<void> {
    const { name } = this.#event;
    world.happened[name] = (world.happened[name] ?? 0) + 1;
    await this.#event.run(world);
    world.bury();
    const facts = await readFacts(world.stage);
    world.lastProfile = facts.profile;
    checkInvariants(facts, world);
  }

  toString(): string {
    const { name, details } = this.#event;
    return details === undefined ? name : `${name}: ${details}`;
  }
}

/** How far a process runs: to its end, or a number of steps, after which it waits or is killed. */
interface Going {
  steps: number;
  afterwards: "end" | "wait" | "die";
}

const going: fc.Arbitrary<Going> = fc.oneof(
  { weight: 4, arbitrary: fc.constant({ steps: Number.POSITIVE_INFINITY, afterwards: "end" as const }) },
  { weight: 3, arbitrary: fc.record({ steps: fc.nat(16), afterwards: fc.constant("wait" as const) }) },
  { weight: 2, arbitrary: fc.record({ steps: fc.nat(16), afterwards: fc.constant("die" as const) }) },
);

async function goOn(process: SimulatedProcess, { steps, afterwards }: Going): Promise<void> {
  await process.run(steps, { mayStopInTransaction: afterwards === "die" });
  if (afterwards === "die") await process.kill();
}

function describeGoing({ steps, afterwards }: Going): string {
  return afterwards === "end" ? "to the end" : `${steps} steps, then ${afterwards}`;
}

/** An element of a list, chosen by any number; undefined if the list is empty. */
function pick<T>(list: Iterable<T>, number: number): T | undefined {
  const all = [...list];
  return all[number % all.length];
}

const anyOf = fc.nat(7);
/** An index of `texts`. */
export const text = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 0, max: 5 }) },
  { weight: 2, arbitrary: fc.integer({ min: 6, max: texts.length - 1 }) },
);
export const documentsAtMost = 9;

const hasDocument = (world: World) => world.documents.size > 0;
export const contentOf = (index: number) => texts[index]?.content ?? "";

const writes: fc.Arbitrary<Event>[] = [
  text.map((index) => ({
    name: "insert",
    details: contentOf(index),
    check: (world) => world.documents.size < documentsAtMost,
    run: (world) => insert(world, index),
  })),
  ...(["edit", "rewrite"] as const).map((how) =>
    fc.record({ number: anyOf, index: text }).map(({ number, index }) => ({
      name: how,
      details: `document ${number}, ${contentOf(index)}`,
      check: hasDocument,
      run: (world: World) => changeText(world, how, number, () => index),
    })),
  ),
  anyOf.map((number) => ({
    name: "edit back",
    details: `document ${number}`,
    check: hasDocument,
    run: (world) => changeText(world, "edit", number, (history) => history.at(-2) ?? history.at(-1) ?? 0),
  })),
  anyOf.map((number) => ({
    name: "delete",
    details: `document ${number}`,
    check: hasDocument,
    async run(world) {
      const document = pick(world.documents.keys(), number) ?? 0;
      world.documents.delete(document);
      await world.stage.corpus.remove(document);
    },
  })),
];

/** Inserts a document with this text. */
export async function insert(world: World, index: number): Promise<void> {
  const document = ++world.numbers;
  world.documents.set(document, [index]);
  await world.stage.corpus.insert(document, contentOf(index));
}

/** A write as it arrives by logical replication: no trigger fires. */
const passedBy: fc.Arbitrary<Event> = fc.oneof(...writes).map((write) => ({
  ...write,
  name: "passed by",
  details: `${write.name} ${write.details ?? ""}`,
  async run(world) {
    world.unseen++;
    // A worker that has read the older text stores nothing, and then no worker is processing the chunk.
    world.lossy = true;
    const { $client } = world.stage.corpus.database;
    await $client.query("set session_replication_role = replica");
    await write.run(world);
    await $client.query("set session_replication_role = origin");
  },
}));

const removeAll: fc.Arbitrary<Event> = fc.constant({
  name: "delete all",
  check: hasDocument,
  async run(world) {
    world.documents.clear();
    await world.stage.corpus.removeAll();
  },
});

async function changeText(
  world: World,
  how: "edit" | "rewrite",
  number: number,
  choose: (history: readonly number[]) => number,
): Promise<void> {
  const [document, history] = pick(world.documents, number) ?? [0, []];
  const index = choose(history);
  history.push(index);
  await world.stage.corpus[how](document, contentOf(index));
}

const start = (name: keyof typeof programs): fc.Arbitrary<Event> =>
  going.map((how) => ({
    name,
    details: describeGoing(how),
    check: (world) => world.mayStart && canStart(world, name),
    run: async (world) => goOn(world.start(name, programs[name](world)), how),
  }));

/** Two ticks may run at the same time, after a producer's lock has expired; an operator runs one command at a time. */
function canStart(world: World, name: keyof typeof programs): boolean {
  const { state } = world.lastProfile;
  const running = world.processes.filter((process) => process.name === name).length;
  if (name === "tick") return running < 2;
  const isCourse = name !== "retry";
  return running === 0 && (!isCourse || state === "registered" || state === "backfilling");
}

const work: fc.Arbitrary<Event> = going.map((how) => ({
  name: "worker",
  details: describeGoing(how),
  check: (world) => world.mayStart && world.queue.next() !== undefined,
  async run(world) {
    const job = world.queue.next();
    if (job !== undefined) await goOn(startWorkerOn(world, job), how);
  },
}));

const ofProcess = <T>(
  name: string,
  how: fc.Arbitrary<T>,
  describe: (how: T) => string,
  run: (process: SimulatedProcess, how: T) => Promise<void> | void,
): fc.Arbitrary<Event> =>
  fc.record({ number: anyOf, how }).map(({ number, how }) => ({
    name,
    details: `process ${number}${describe(how)}`,
    check: (world) => world.processes.length > 0,
    async run(world) {
      const process = pick(world.processes, number);
      if (process !== undefined) await run(process, how);
    },
  }));

const goesOn = ofProcess("go on", going, (how) => `, ${describeGoing(how)}`, goOn);
const loss = fc.constantFrom<Loss>("request", "answer");
const isCutOff = ofProcess(
  "connection lost",
  loss,
  (how) => ` loses its ${how}`,
  (process, how) => process.lose(how),
);
const isToldToStop = ofProcess("stop", fc.constant(undefined), () => "", tellToStop);

const lapse: fc.Arbitrary<Event> = anyOf.map((number) => ({
  name: "a lock lapses",
  details: `job ${number}`,
  check: (world) => world.queue.jobs.some(({ state }) => state === "active"),
  run(world) {
    const job = pick(
      world.queue.jobs.filter(({ state }) => state === "active"),
      number,
    );
    if (job !== undefined) world.queue.lapse(job);
  },
}));

const deliverAgain: fc.Arbitrary<Event> = anyOf.map((number) => ({
  name: "delivered again",
  details: `batch ${number}`,
  check: (world) => world.queue.done.length > 0,
  run(world) {
    const batch = pick(world.queue.done, number);
    if (batch !== undefined) world.queue.add([batch]);
  },
}));

const loseQueue: fc.Arbitrary<Event> = fc.constant({
  name: "queue lost",
  check: (world) => world.queue.jobs.length > 0,
  run(world) {
    world.lossy = true;
    world.queue.lose();
  },
});

/** Does what another producer's tick does at its start. It is a separate event so that it occurs more often between other steps. */
const takeLog: fc.Arbitrary<Event> = fc.constant({
  name: "log taken",
  check: hasDocument,
  run: (world) => takeChanges(world.stage.corpus.database),
});

const jump: fc.Arbitrary<Event> = fc.constantFrom(-86_400, -200, 200, 400, 86_400).map((seconds) => ({
  name: "clock jumps",
  details: `${seconds} s`,
  check: () => true,
  run: (world) => world.shiftClock(seconds),
}));

const weighted: [number, fc.Arbitrary<Event>][] = [
  ...writes.map((write): [number, fc.Arbitrary<Event>] => [3, write]),
  [1, removeAll],
  [1, passedBy],
  [9, start("tick")],
  [8, takeLog],
  [12, work],
  [10, goesOn],
  [3, isCutOff],
  [1, isToldToStop],
  [2, lapse],
  [1, deliverAgain],
  [1, loseQueue],
  [1, jump],
  [1, start("pause")],
  [1, start("resume")],
  [1, start("newest first")],
  [1, start("oldest first")],
  [1, start("retry")],
];

/** Sequences of at most `events` events. */
export function sequences(events: number, replayPath?: string) {
  const event = fc.oneof(...weighted.map(([weight, arbitrary]) => ({ weight, arbitrary })));
  return fc.commands([event.map((one) => new Command(one))], {
    maxCommands: events,
    size: "max",
    ...(replayPath === undefined ? {} : { replayPath }),
  });
}
