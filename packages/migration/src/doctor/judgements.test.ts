import { expect, test } from "vitest";
import { judgeClocks, judgeWrongClock } from "./clocks.ts";
import { judgeDisk } from "./disk.ts";
import type { Finding } from "./finding.ts";
import { judgeGpus } from "./gpu.ts";
import { judgeAdoptedIndexes, judgeDocumentIndex, judgeOwnIndexes } from "./indexes.ts";
import { judgeMemory } from "./memory.ts";
import { judgeModel, judgeTokenizer } from "./models.ts";
import { judgeNode } from "./node.ts";
import { judgePgvector, judgePostgres } from "./postgres.ts";
import { judgeProvenance } from "./provenance.ts";
import { judgeRedis } from "./redis.ts";
import { judgeReplication } from "./replication.ts";
import { judgeRights, judgeTable } from "./rights.ts";
import { judgeIndexMemory } from "./settings.ts";
import { judgeOrphans, judgeTexts } from "./texts.ts";
import { judgeTriggers } from "./triggers.ts";
import { judgeVectors } from "./vectors.ts";
import { judgeWork } from "./work.ts";

const server = { major: 15, version: "15.18", encoding: "UTF8", readOnly: false, database: "corpus" };
const redis = {
  version: "7.0.15",
  clustered: false,
  policy: "noeviction",
  usedBytes: 1e6,
  limitBytes: 0,
  appendOnly: true,
  savesWork: true,
  role: "master",
  clockAheadMs: 0,
};
const rights = { role: "me", createSchemas: true, createExtension: true, ownsTables: null };
const replication = { replicas: 0, visible: 0, synchronous: 0, deadSlots: [] };
const log = { fsync: true, synchronousStandbys: "", walLevel: "replica" };
const vectors = { rows: 9, sampled: 9, missing: 0, zero: 0, notANumber: 0, unnormalised: 0, otherDimensions: 0 };
const model = { model: "BAAI/bge-m3", folder: "/m", prepared: [], revision: "r", dimensions: 8, maxTokens: 8 };
const l4 = { name: "L4", memoryBytes: 24e9, driver: "535.2" };
const int8 = [{ device: "cpu", dtype: "int8" }];
const index = { name: "by_vector", kind: "hnsw", valid: true, building: false, sizeBytes: 1e9 };
const plan = { memoryBytes: 3e9, neededBytes: 3e9, memorySource: "at most shared_buffers" };
const m3 = { name: "m3", state: "backfilled" } as const;
const embedded = {
  ...{ chunks: 9, embedded: 9, pending: 0, changes: 0, outdated: 0, quarantined: 0, coverage: 1 },
  oldestChangeSeconds: null,
};
const triggers = { disabled: [], subscriptions: [], always: 0, triggers: 5, children: [], replicaRoles: [] };
const changed = { ...embedded, embedded: 8, pending: 1, changes: 1, oldestChangeSeconds: 600 };

/** The case, the finding, its verdict, and what the finding and its remedy must say. */
const cases: [what: string, finding: Finding | Finding[], verdict: Finding["verdict"], words: RegExp][] = [
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
  ["no worker", judgeWork({ ...m3, paused: false }, embedded, 0), "warning", /no worker is running/],
  ["Node 24", judgeNode("24.1.0"), "ok", /24\.1\.0/],
  ["an old Node", judgeNode("22.3.0"), "problem", /24 or newer.*Install Node 24/],
  ["an old PostgreSQL", judgePostgres({ ...server, major: 14 }), "problem", /version 14; 15 or newer/],
  [
    "another encoding",
    judgePostgres({ ...server, encoding: "SQL_ASCII" }),
    "problem",
    /SQL_ASCII; Reembed needs UTF8.*template0/i,
  ],
  ["a standby", judgePostgres({ ...server, readOnly: true }), "problem", /is read-only.*primary/],
  [
    "pgvector 0.7",
    judgePgvector({ installed: "0.7.4", available: "0.8.7" }),
    "problem",
    /0\.7\.4; 0\.8.*ALTER EXTENSION/,
  ],
  ["no pgvector", judgePgvector({ installed: null, available: null }), "problem", /no pgvector.*Install pgvector 0\.8/],
  [
    "pgvector available but not created",
    judgePgvector({ installed: null, available: "0.8.7" }),
    "ok",
    /0\.8\.7, which `reembed init` creates/,
  ],
  [
    "pgvector with defects",
    judgePgvector({ installed: "0.8.0", available: "0.8.0" }),
    "warning",
    /CVE-2026-3172 \(0\.8\.2\).*corruption.*\(0\.8\.3\).*\(0\.8\.7\).*ALTER EXTENSION vector UPDATE/,
  ],
  [
    "pgvector 0.8.6",
    judgePgvector({ installed: "0.8.6", available: "0.8.6" }),
    "warning",
    /fixed a buffer overflow in IVFFlat builds \(0\.8\.7\) /,
  ],
  ["the current pgvector", judgePgvector({ installed: "0.8.7", available: "0.8.7" }), "ok", /^pgvector 0\.8\.7$/],
  ["pgvector 0.10", judgePgvector({ installed: "0.10.0", available: "0.10.0" }), "ok", /0\.10\.0/],
  [
    "new files, old SQL",
    judgePgvector({ installed: "0.8.0", available: "0.8.7" }),
    "warning",
    /0\.8\.0 in this database, 0\.8\.7/,
  ],
  ["defects without an ANN index", judgePgvector({ installed: "0.8.0", available: "0.8.0" }, true), "ok", /0\.8\.0/],
  [
    "no right to create",
    judgeRights({ ...rights, createSchemas: false }, "db"),
    "problem",
    /GRANT CREATE ON DATABASE "db" TO "me"/,
  ],
  [
    "no right to the extension",
    judgeRights({ ...rights, createExtension: false }, "db"),
    "problem",
    /superuser run CREATE EXTENSION/,
  ],
  ["tables of another role", judgeRights({ ...rights, ownsTables: false }, "db"), "problem", /me does not own/],
  [
    "its own tables, no more",
    judgeRights({ ...rights, createSchemas: false, ownsTables: true }, "db"),
    "ok",
    /me has the rights/,
  ],
  ["no trigger", judgeTable("public.t", "me", ["TRIGGER"]), "problem", /GRANT TRIGGER ON public\.t TO "me"/],
  ["no table", judgeTable("public.t", "me", null), "problem", /does not exist/],
  ["triggers", judgeTriggers("public.t", triggers), "ok", /5 of them/],
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
    judgeTriggers("public.t", { ...triggers, subscriptions: ["copies"], always: 5 }),
    "ok",
    /5 of them/,
  ],
  [
    "a role without triggers",
    judgeTriggers("public.t", { ...triggers, replicaRoles: ["loader"] }),
    "warning",
    /replica for loader/,
  ],
  [
    "tables that inherit",
    judgeTriggers("public.t", { ...triggers, children: ["more"] }),
    "warning",
    /rows of more, which inherit.*partitioned/,
  ],
  [
    "too little index memory",
    judgeIndexMemory("m3", { ...plan, memoryBytes: 64e6 }),
    "warning",
    /3\.0 GB.*--memory 2862/,
  ],
  ["enough index memory", judgeIndexMemory("m3", plan), "ok", /needs 3\.0 GB of memory, which is available/],
  [
    "commits that wait for ever",
    judgeReplication({ ...log, synchronousStandbys: "s1" }, replication),
    "problem",
    /waits for s1/,
  ],
  [
    "hidden lag",
    judgeReplication(log, { ...replication, replicas: 2 }),
    "warning",
    /2 of 2 replicas.*pg_read_all_stats/,
  ],
  [
    "a dead slot",
    judgeReplication(log, { ...replication, deadSlots: [{ name: "old", keptBytes: 5e9 }] }),
    "warning",
    /slot old.*5\.0 GB.*pg_drop_replication_slot\('old'\)/,
  ],
  ["no fsync", judgeReplication({ ...log, fsync: false }, replication), "warning", /fsync/],
  ["no replicas", judgeReplication(log, replication), "ok", /none \(wal_level replica\)/],
  [
    "a full disk",
    judgeDisk("m3", { free: 1e9, wanted: 2e9, database: 5e9 }),
    "problem",
    /2\.0 GB more, 1\.0 GB are free/,
  ],
  ["a tight disk", judgeDisk("m3", { free: 3e9, wanted: 2e9, database: 5e9 }), "warning", /Twice as much/],
  [
    "another host's disk",
    judgeDisk("m3", { free: undefined, wanted: 2e9, database: 5e9 }),
    "ok",
    /cannot be read from here/,
  ],
  ["an old Redis", judgeRedis({ ...redis, version: "6.0.1" }), "problem", /6\.0\.1; 6\.2 or newer/],
  [
    "a node of a cluster",
    judgeRedis({ ...redis, clustered: true }),
    "problem",
    /a node of a cluster.*without cluster mode/,
  ],
  ["a Redis that evicts", judgeRedis({ ...redis, policy: "allkeys-lru" }), "problem", /allkeys-lru.*CONFIG SET/],
  ["a Redis replica", judgeRedis({ ...redis, role: "slave" }), "problem", /replica/],
  ["a full Redis", judgeRedis({ ...redis, limitBytes: 50e6 }), "warning", /49 MB of 50 MB are left/],
  ["a Redis that cannot save", judgeRedis({ ...redis, savesWork: false }), "warning", /last write to disk failed/],
  ["a forgetful Redis", judgeRedis({ ...redis, appendOnly: false }), "ok", /filled again from PostgreSQL/],
  [
    "8 GB for fp32",
    judgeMemory({ model: "BAAI/bge-m3", prepared: [] }, 8e9),
    "warning",
    /needs 16 GB.*model prepare.*2\.5 GB/,
  ],
  ["8 GB for int8", judgeMemory({ model: "BAAI/bge-m3", prepared: int8 }, 8e9), "ok", /needs 2\.5 GB in int8/],
  ["no GPU", judgeGpus([], undefined), "ok", /CPU/],
  [
    "no CUDA files",
    judgeGpus([{ name: "L4", memoryBytes: 24e9, driver: "580.1" }], undefined),
    "warning",
    /install\.js/,
  ],
  [
    "a driver too old",
    judgeGpus([l4], { cuda: 13, missing: [] }),
    "warning",
    /CUDA 13 need driver 580 or newer.*535\.2/,
  ],
  [
    "a library that is missing",
    judgeGpus([l4], { cuda: 12, missing: ["libcublasLt.so.12"] }),
    "warning",
    /need libcublasLt\.so\.12.*libraries of CUDA 12.*LD_LIBRARY_PATH/,
  ],
  ["a GPU with all it needs", judgeGpus([l4], { cuda: 12, missing: [] }).slice(1), "ok", /CUDA 12 are installed/],
  [
    "a small GPU",
    judgeGpus([{ name: "K600", memoryBytes: 1e9, driver: "580.1" }], { cuda: 13, missing: [] }),
    "warning",
    /K600, 1\.0 GB/,
  ],
  ["no files", judgeModel({ ...model, problem: "Gone.", remedy: "Pull." }), "problem", /Gone Pull\./],
  ["not prepared", judgeModel({ ...model, problem: null, remedy: null }), "warning", /reembed model prepare BAAI/],
  ["prepared", judgeModel({ ...model, prepared: int8, problem: null, remedy: null }), "ok", /cpu in int8/],
  ["no tokenizer", judgeTokenizer(model, false), "problem", /tokenizer\.json is not in \/m.*model pull/],
  ["clocks apart", judgeClocks({ database: 1_500, Redis: -1_000 }), "warning", /Redis 1\.0 s behind.*time server/],
  ["a host ahead", judgeWrongClock({ host: "gpu-7", aheadMs: 86_400_000 }), "warning", /gpu-7 is 86,400 s ahead of/],
  [
    "a host behind",
    judgeWrongClock({ host: "gpu-7", aheadMs: -3_000 }),
    "warning",
    /3 s behind the database's.*time server/,
  ],
  ["clocks together", judgeClocks({ database: 40 }), "ok", /0\.0 s ahead/],
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
    judgeDocumentIndex("t", 'a"b', false),
    "warning",
    /CREATE INDEX CONCURRENTLY ON t \("a""b"\)/,
  ],
];

test.for(cases)("%s", ([, found, verdict, words]) => {
  const findings = [found].flat();
  const worst = findings.find((finding) => finding.verdict === verdict);
  expect(worst, JSON.stringify(findings)).toBeDefined();
  expect(`${worst?.check} ${worst?.says} ${worst?.remedy ?? ""}`.trim()).toMatch(words);
  // What is not in order comes with what to do, and nothing else does.
  for (const finding of findings) expect(finding.remedy === null).toBe(finding.verdict === "ok");
});
