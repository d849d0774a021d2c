import { EmbedQueue } from "./embed-queue.ts";
import type { QueueServer } from "./server.ts";
import { TickQueue } from "./tick-queue.ts";

/** Removes the queues of these profiles and of the ticks, with all jobs in them. */
export async function removeQueues(server: QueueServer, profiles: readonly string[]): Promise<void> {
  for (const profile of profiles) {
    await using queue = new EmbedQueue(server, profile, () => {});
    await queue.bullmq.obliterate({ force: true });
  }
  await using ticks = new TickQueue(server, () => {});
  await ticks.bullmq.obliterate({ force: true });
}
