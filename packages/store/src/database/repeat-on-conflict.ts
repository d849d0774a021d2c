import { sqlState } from "./database.ts";

const deadlockDetected = "40P01";
const serializationFailure = "40001";
const attemptsAtMost = 5;

/**
 * Runs a statement, or a whole transaction, again when it lost against another one. It is undone then, and the other
 * has gone on: there is nothing to wait for.
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
