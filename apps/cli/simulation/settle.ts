import { readFacts } from "./facts.ts";
import { checkEnd, checkInvariants } from "./invariants.ts";
import { programs, startWorkerOn } from "./programs.ts";
import type { World } from "./world.ts";

const roundsAtMost = 80;

/** Runs everything without further faults until nothing is left to do, and checks the result. */
export async function settle(world: World): Promise<void> {
  for (let round = 0; round < roundsAtMost; round++) {
    for (const process of world.processes) await process.run();
    world.bury();
    for (const job of world.queue.jobs) if (job.state === "active") world.queue.lapse(job);
    const facts = await readFacts(world.stage);
    checkInvariants(facts, world);
    if (facts.profile.paused) await world.start("resume", programs.resume(world)).run();
    const isIdle = world.queue.jobs.length === 0 && facts.chunks.every(({ waits }) => !waits);
    const isOver = facts.profile.state === "backfilled" || facts.chunks.length === 0;
    const isSwept = world.passedBy === 0 || facts.profile.state === "registered";
    if (isIdle && isOver && isSwept) return checkEnd(facts);
    await world.start("tick", programs.tick(world)).run();
    for (let job = world.queue.next(); job !== undefined; job = world.queue.next()) {
      await startWorkerOn(world, job).run();
      world.bury();
    }
    world.bury();
  }
  throw new Error(`After ${roundsAtMost} rounds without faults there is still work left.`);
}
