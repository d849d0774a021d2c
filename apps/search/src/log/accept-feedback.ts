import { setTimeout as delay } from "node:timers/promises";
import type { Database } from "@reembed/store/database";
import { recordFeedback } from "@reembed/store/search";
import type { FeedbackRequest } from "../answer/search-request.ts";
import { Problem } from "../http/problem.ts";
import { flushMs } from "./event-log.ts";

const mostTries = 5;

/**
 * Stores feedback. A client may send it before the process that answered has recorded the search, so it waits for that for a
 * second.
 * @throws Problem if there was no such answer, or it is not recorded, as one to a request that named its profile.
 */
export async function acceptFeedback(database: Database, feedback: FeedbackRequest): Promise<void> {
  for (let tries = 1; !(await recordFeedback(database, feedback)); tries++) {
    if (tries === mostTries) {
      throw new Problem(404, "answer_unknown", "No answer with this requestId and this chunkId is recorded.");
    }
    await delay(flushMs);
  }
}
