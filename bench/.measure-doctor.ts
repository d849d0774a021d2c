import { resolveProfile } from "@reembed/core";
import { openDatabase, migrateDatabase, registerProfiles } from "@reembed/store";
import { startNativePostgres } from "@reembed/testing";
import pg from "pg";
process.on("unhandledRejection",(e)=>{console.log(e)});
await using server = await startNativePostgres({ settings: { shared_buffers: "512MB", max_wal_size: "4GB" } });
const database = openDatabase(server);
await migrateDatabase(database);
const rows = 20_000;
for (const [name, dims] of [["mini-rubert", 312], ["mini-m3", 1024]] as const) {
  const profile = resolveProfile(name);
  await registerProfiles(database, [profile]);
  const client = new pg.Client({ connectionString: server.connectionString });
  client.on("notice", (n) => console.log("NOTICE", n.message));
  await client.connect();
  const q = async (s: string) => (await client.query(s)).rows[0];
  const chunking = `${profile.chunking.size}-${profile.chunking.overlap}`;
  await q(`insert into reembed.documents (uri,title,language,body) values ('${name}','a','en','x')`);
  await q(`insert into reembed."chunks_${chunking}" (chunking, id, document_id, position, start_offset, end_offset, content) select '${chunking}', i, (select min(id) from reembed.documents), i, 0, 1, 'text '||i from generate_series(1,${rows}) i`);
  // Random, in ids' order as a backfill writes them, in batches of 64.
  for (let from = 1; from <= rows; from += 64) {
    await q(`insert into reembed.chunk_embeddings (profile, chunk_id, content_hash, embedding, token_count, truncated_tokens, model_revision)
      select '${name}', i, sha256(i::text::bytea), (select l2_normalize(array_agg(random()-0.5+0*i*g)::real[]::vector(${dims})::halfvec(${dims})) from generate_series(1,${dims}) g), 300, 0, 'trained-1' from generate_series(${from}, least(${from + 63}, ${rows})) i`);
  }
  const p = `reembed."chunk_embeddings_${name}"`;
  await q(`vacuum analyze ${p}`);
  const s = await q(`select pg_table_size('${p}') as table, pg_relation_size('${p}') as heap, pg_indexes_size('${p}') as indexes, (select reltoastrelid::regclass::text from pg_class where oid='${p}'::regclass) as toast`);
  console.log(name, s, "bytes a row", (Number(s.table) + Number(s.indexes)) / rows);
  console.log(await q(`select pg_total_relation_size('${s.toast}') as toast`));
  for (const mem of ["16MB", "64MB", "1GB"]) {
    await q(`set maintenance_work_mem='${mem}'`);
    await q("set max_parallel_maintenance_workers=0");
    const t = performance.now();
    await q(`create index tmp_ann on ${p} using hnsw ((embedding::halfvec(${dims})) halfvec_cosine_ops)`);
    const i = await q(`select pg_relation_size('reembed.tmp_ann') as index`);
    console.log(mem, i, Number(i.index) / rows, "bytes a row", ((performance.now() - t)/1000).toFixed(1), "s");
    await q(`drop index reembed.tmp_ann`);
  }
  const before = (await q("select pg_current_wal_lsn() as l")).l;
  await client.end();
}
await database.$client.end();
