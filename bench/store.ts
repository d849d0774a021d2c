import { profiles } from "@reembed/core";
import { openDatabase } from "@reembed/store";
import { startNativePostgres } from "@reembed/testing";
import { loadCorpus, readBatches } from "./store/corpus.ts";
import { measure } from "./store/measure.ts";
import { guardedWrites, textWrites } from "./store/sides.ts";
const p = profiles.get("bge-m3")!;
await using pgs = await startNativePostgres({ settings: JSON.parse(process.env.S ?? "{}") });
const db = openDatabase({ connectionString: pgs.connectionString, maxConnections: 3 });
const rows = 9600;
let t = performance.now();
const profile = await loadCorpus(db, p, rows);
console.log("load", performance.now() - t); t = performance.now();
const batches = await readBatches(db, profile, { chunks: rows, batchSize: 64 });
console.log("read", performance.now() - t);
const g = guardedWrites(db, profile, batches), x = textWrites(db, profile, batches);
for (let r = 0; r < Number(process.env.R ?? 8); r++) {
  const a = await measure(db, g, { rows, connections: 3 });
  const b = await measure(db, x, { rows, connections: 3 });
  console.log(a, b, a.rowsPerSecond / b.rowsPerSecond, b.cpuMicrosecondsPerRow / a.cpuMicrosecondsPerRow);
}
console.log((await db.execute("select avg(length(content)), avg(octet_length(content)), pg_size_pretty(pg_relation_size(max('reembed.\"chunks_6000-300\"'))) from reembed.chunks")).rows);
await db.$client.end();
