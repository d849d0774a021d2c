import type { Mutants } from "./mutant.ts";

/** Faults of a batch in a worker, and of the rules of core. */
export const ofTheWorker: Mutants = {
  "apps/worker/src/embed-batch.ts": [
    {
      name: "the number of attempts is not limited",
      text: "if ((suspect.attempts ?? 0) >= attemptsAtMost)",
      replacement: "if ((suspect.attempts ?? 0) < 0)",
    },
    {
      name: "a chunk is quarantined after the first death of the child",
      text: "const attemptsAtMost = 5;",
      replacement: "const attemptsAtMost = 1;",
    },
    {
      name: "attempts are not counted before they are made",
      text: "await this.#countAttempt(changes, 1);",
      replacement: "",
    },
    {
      name: "attempts are not taken back if a server was away",
      text: "const takeBack = () => this.#countAttempt(changes, -1);",
      replacement: "const takeBack = async () => {};",
      noticedBy: "apps/worker/src/embed-batch.test.ts",
    },
    {
      name: "suspects are not embedded one by one",
      text: "attempts !== null && attempts > 0;",
      replacement: "attempts !== null && attempts > 1_000;",
    },
    {
      name: "a quarantine has no reason",
      text: "reason: outcome.rejected, detail: outcome.detail",
      replacement: `reason: "", detail: ""`,
    },
    {
      name: "a stale vector counts as stored",
      text: "      embedded: written.length,",
      replacement: "      embedded: embedded.length,",
      noticedBy: "apps/worker/src/embed-batch.test.ts",
    },
    {
      name: "a worker that stops does not return its batch",
      text: "if (stopping.aborted && this.#done < this.#total)",
      replacement: "if (stopping.aborted && this.#done > this.#total)",
      noticedBy: "apps/worker/src/embed-batch.test.ts",
    },
    {
      name: "a vector is stored with another chunk's id",
      text: "const chunk = chunks[outcome.index];",
      replacement: "const chunk = chunks[chunks.length - 1 - outcome.index];",
    },
  ],
  "apps/worker/src/embed-isolating.ts": [
    {
      name: "a halved run leaves out a text",
      text: "rest.slice(middle));",
      replacement: "rest.slice(middle + 1));",
    },
    {
      name: "a text is blamed for a failed device",
      text: "if (!(await works(embedder))) throw failure;",
      replacement: "",
      noticedBy: "apps/worker/src/embed-isolating.test.ts",
    },
  ],
  "packages/core/src/rollout/rollout.ts": [
    {
      name: "a rollout's share is off by one bucket",
      text: "return bucket < bucketsIn(percent) ? candidate : baseline;",
      replacement: "return bucket <= bucketsIn(percent) ? candidate : baseline;",
      noticedBy: "packages/core/src/rollout/rollout.test.ts",
    },
  ],
  "packages/core/src/rollout/guardrail.ts": [
    {
      name: "a guardrail is breached by a single standard error",
      text: "const z = 3;",
      replacement: "const z = 1;",
      noticedBy: "packages/core/src/rollout/guardrail.test.ts",
    },
  ],
  "packages/core/src/chunking/chunk-diff.ts": [
    {
      name: "equal texts of a document lose their chunks",
      text: "byText.get(slice.content)?.shift();",
      replacement: "byText.get(slice.content)?.at(0);",
      noticedBy: "packages/core/src/chunking/chunk-diff.test.ts",
    },
  ],
};
