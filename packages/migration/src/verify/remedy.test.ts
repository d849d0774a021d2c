import type { VerificationReport } from "@reembed/migration/verify";
import { expect, test } from "vitest";
import { remedyFor } from "./remedy.ts";

const none: VerificationReport["failures"] = {
  ...{ old_text: 0, other_revision: 0, wrong_dimensions: 0, wrong_norm: 0, wrong_vector: 0 },
  ...{ orphan: 0, unreachable: 0, missing: 0, pending: 0, quarantined: 0 },
};
const remedy = (failures: Partial<typeof none>, chunks = 90_000) =>
  remedyFor(
    { chunks, failures: { ...none, ...failures }, embeddedAgain: undefined },
    { schema: "reembed_notes", tickMs: 5_000 },
  );

test.each(["old_text", "orphan", "missing"])(
  "for %s the producer's sweep is named, and how long a round takes",
  (reason) => {
    expect(remedy({ [reason]: 3 })).toMatch(
      /^No trigger recorded these changes\. A running producer finds them by itself, 1,000 texts with each tick: within 9 min/,
    );
  },
);

test.each(["other_revision", "wrong_dimensions", "wrong_norm", "wrong_vector"])(
  "for %s, which no sweep finds, the vectors must be deleted",
  (reason) => {
    expect(remedy({ [reason]: 3 })).toMatch(
      /^Delete the wrong vectors from reembed_notes\.chunk_embeddings: .* again\.$/,
    );
    expect(remedy({ [reason]: 3, orphan: 1 })).toMatch(
      /^Delete the wrong vectors .* No trigger recorded these changes/,
    );
  },
);

test("what is not wrong has a remedy of its own", () => {
  expect(remedy({}, 0)).toContain("reembed load");
  expect(remedy({ unreachable: 1 })).toContain("reembed index build");
  expect(remedy({ quarantined: 1 })).toContain("reembed quarantine list");
  expect(remedy({ pending: 1 })).toContain("nothing is pending");
});
