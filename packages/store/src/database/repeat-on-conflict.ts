import { sqlState } from "./database.ts";

const deadlockDetected = "40P01";
const serializationFailure = "40001";
const attemptsAtMost = 5;

/**
 * Repeats a statement, or a whole transaction, that lost a conflict with another one. It was rolled back and the other one
 * has continued, so there is no need to wait.
 */
export async function repeatOnConflict<T>(run: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await run();
    } catch (error) {
      const state = sqlState(error);
      if ((state !== deadlockDetected && state !== serializationFailure) || attempt === attemptsAtMost) throw error;
    }
  }
}
