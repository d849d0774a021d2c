import { createInterface } from "node:readline/promises";
import { ReembedError } from "@reembed/core";

/** @throws ReembedError `not_confirmed` (exit code 3) if there is no terminal to ask on. */
export async function askPerson(question: string): Promise<boolean> {
  if (!process.stdin.isTTY) {
    throw new ReembedError("not_confirmed", question, {
      exitCode: 3,
      remedy: "Give --yes to continue without confirmation.",
    });
  }
  using lines = createInterface({ input: process.stdin, output: process.stderr });
  return /^y(es)?$/i.test((await lines.question(`${question}\nContinue? [y/N] `)).trim());
}
