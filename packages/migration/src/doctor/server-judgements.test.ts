import { test } from "vitest";
import { expectFinding, type FindingCase } from "../../test/expect-finding.ts";
import { judgeClocks, judgeWrongClock } from "./clocks.ts";
import { judgeDisk } from "./disk.ts";
import { judgeGpus } from "./gpu.ts";
import { judgeMemory } from "./memory.ts";
import { judgeModel, judgeTokenizer } from "./models.ts";
import { judgeNode } from "./node.ts";
import { judgePgvector, judgePostgres } from "./postgres.ts";
import { judgeRedis } from "./redis.ts";
import { judgeReplication } from "./replication.ts";
import { judgeRights } from "./rights.ts";
import { judgeIndexMemory } from "./settings.ts";

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
const model = { model: "BAAI/bge-m3", folder: "/m", prepared: [], revision: "r", dimensions: 8, maxTokens: 8 };
const l4 = { name: "L4", memoryBytes: 24e9, driver: "535.2" };
const int8 = [{ device: "cpu", dtype: "int8" }];
const plan = { memoryBytes: 3e9, neededBytes: 3e9, memorySource: "at most shared_buffers" };

const cases: FindingCase[] = [
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
];

test.for(cases)("%s", expectFinding);
