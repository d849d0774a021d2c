import { test } from "vitest";
import { expectFinding, type FindingCase } from "../../test/expect-finding.ts";
import { judgeAdoptedIndexes, judgeDocumentIndex, judgeOwnIndexes } from "./indexes.ts";
import { judgeProvenance } from "./provenance.ts";
import { judgeTable } from "./rights.ts";
import { judgeOrphans, judgeTexts } from "./texts.ts";
import { judgeTriggers } from "./triggers.ts";
import { judgeVectors } from "./vectors.ts";
import { judgeFailedBatches, judgeLog, judgeWork } from "./work.ts";

const vectors = { rows: 9, sampled: 9, missing: 0, zero: 0, notANumber: 0, unnormalised: 0, otherDimensions: 0 };
const index = { name: "by_vector", kind: "hnsw", valid: true, building: false, sizeBytes: 1e9 };
const m3 = { name: "m3", state: "backfilled" } as const;
const embedded = {
  ...{ chunks: 9, embedded: 9, pending: 0, changes: 0, outdated: 0, quarantined: 0, coverage: 1 },
  oldestChangeSeconds: null,
};
const triggers = {
  ...{
    schema: "reembed",
    disabled: [],
    missing: [],
    subscriptions: [],
    always: 0,
    triggers: 4,
    children: [],
    replicaRoles: [] as string[],
  },
};
const changed = { ...embedded, embedded: 8, pending: 1, changes: 1, oldestChangeSeconds: 600 };

const cases: FindingCase[] = [
  ["a worker for what changes", judgeWork({ ...m3, paused: false }, embedded, 1), "ok", /9 of 9 chunks embedded$/],
  ["a pending change", judgeWork({ ...m3, paused: false }, changed, 1), "ok", /1 change waits, the oldest for 10 min$/],
  [
    "a change without a worker",
    judgeWork({ ...m3, paused: false }, changed, 0),
    "warning",
    /1 change waits, the oldest for 10 min, and no worker is running.*reembed worker --profile m3/,
  ],
  [
    "vectors that were lost",
    judgeWork({ ...m3, paused: false }, { ...embedded, embedded: 6, pending: 3 }, 1),
    "warning",
    /3 of 9 chunks have lost their vectors.*backfill start --profile m3/,
  ],
  [
    "failed batches",
    judgeFailedBatches("m3", { batches: 3, reason: "no space left on device.", secondsAgo: 120 }),
    "warning",
    /3 batches have failed, the last 2 min ago: no space left on device .*enqueues their chunks again/,
  ],
  [
    "a log that grows",
    judgeLog({ rows: 9, oldestSeconds: 600 }, 5_000),
    "warning",
    /9 changes wait in the log, the first for 10 min: no producer takes them.*reembed producer/,
  ],
  ["no worker", judgeWork({ ...m3, paused: false }, embedded, 0), "warning", /no worker is running/],
  ["no trigger", judgeTable("public.t", "me", ["TRIGGER"]), "problem", /GRANT TRIGGER ON public\.t TO "me"/],
  ["no table", judgeTable("public.t", "me", null), "problem", /does not exist/],
  ["triggers", judgeTriggers("public.t", triggers), "ok", /4 of them/],
  [
    "a disabled trigger",
    judgeTriggers("public.t", { ...triggers, disabled: ["reembed_edit"] }),
    "warning",
    /reembed_edit disabled: edits are missed.*ALTER TABLE public\.t ENABLE TRIGGER/,
  ],
  [
    "a subscription",
    judgeTriggers("public.t", { ...triggers, subscriptions: ["copies"] }),
    "warning",
    /subscription copies writes.*ENABLE ALWAYS TRIGGER reembed_insert/,
  ],
  [
    "a subscription with triggers that always fire",
    judgeTriggers("public.t", { ...triggers, subscriptions: ["copies"], always: 4 }),
    "ok",
    /4 of them/,
  ],
  [
    "a role without triggers",
    judgeTriggers("public.t", { ...triggers, replicaRoles: ["loader"] }),
    "warning",
    /replica for loader/,
  ],
  [
    "a role without triggers on Reembed's own table",
    judgeTriggers("reembed.chunks", { ...triggers, replicaRoles: ["loader"] }, true),
    "warning",
    /replica for loader.*ALTER ROLE loader RESET session_replication_role/,
  ],
  [
    "tables that inherit",
    judgeTriggers("public.t", { ...triggers, children: ["more"] }),
    "warning",
    /rows of more, which inherit.*partitioned/,
  ],
  ["blank texts", judgeTexts("1-0", { rows: 9, sampled: 9, blank: 2, different: 6 }), "warning", /2 are empty/],
  [
    "texts twice",
    judgeTexts("1-0", { rows: 9, sampled: 9, blank: 0, different: 6 }),
    "ok",
    /: 3 have the same text as another/,
  ],
  [
    "a sample of texts",
    judgeTexts("1-0", { rows: 90, sampled: 9, blank: 0, different: 6 }),
    "ok",
    /sample of 9 of 90.*at least 3/,
  ],
  [
    "orphans",
    judgeOrphans("t", { rows: 90, sampled: 9, orphans: 3 }),
    "warning",
    /3 \(33\.3 %\) are without a document/,
  ],
  ["zero vectors", judgeVectors("v", 3, { ...vectors, zero: 1 }), "warning", /1 is zero.*No search finds/],
  ["no numbers", judgeVectors("v", 3, { ...vectors, notANumber: 2 }), "warning", /2 are not numbers/],
  ["long vectors", judgeVectors("v", 3, { ...vectors, unnormalised: 9 }), "warning", /not of length 1.*Cosine/],
  ["other dimensions", judgeVectors("v", 3, { ...vectors, otherDimensions: 9 }), "problem", /not of 3 dimensions/],
  ["good vectors", judgeVectors("v", 3, vectors), "ok", /9 vectors, all of length 1/],
  ["another model", judgeProvenance("m", { compared: 8, wrong: 8, leastCosine: 0.1 }), "problem", /made none of them/],
  [
    "some others",
    judgeProvenance("m", { compared: 8, wrong: 1, leastCosine: 0.1 }),
    "warning",
    /1 differ from.*reembed verify/,
  ],
  ["this model", judgeProvenance("m", { compared: 8, wrong: 0, leastCosine: 0.999 }), "ok", /least cosine 0\.999/],
  [
    "an invalid index",
    judgeOwnIndexes(m3, [{ ...index, valid: false }], 9),
    "warning",
    /by_vector is invalid.*index build/,
  ],
  ["an index that grows", judgeOwnIndexes(m3, [{ ...index, valid: false, building: true }], 9), "ok", /being built/],
  ["no index", judgeOwnIndexes(m3, [], 30_000), "warning", /30,000 vectors.*index build --profile m3/],
  ["no index yet", judgeOwnIndexes({ ...m3, state: "backfilling" }, [], 30_000), "ok", /none/],
  ["no adopted index", judgeAdoptedIndexes("t", []), "warning", /every vector/],
  [
    "no index of documents",
    judgeDocumentIndex("t", "meta->>'source'", false),
    "warning",
    /CREATE INDEX CONCURRENTLY ON t \(\(meta->>'source'\)\)/,
  ],
];

test.for(cases)("%s", expectFinding);
