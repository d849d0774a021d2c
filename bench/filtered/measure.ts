import type { Database } from "@reembed/store/database";
import { type RegisteredProfile, readProfile } from "@reembed/store/profiles";
import { type AnnSettings, embeddingsPartition } from "@reembed/store/schema";
import {
  createAnnIndex,
  dropAnnIndex,
  openSession,
  type SearchFilter,
  searchExactly,
  searchProfile,
} from "@reembed/store/search";
import { sql } from "drizzle-orm";
import { roundTo } from "../embed/figures.ts";

const limit = 15;
const queries = 20;
const topics = 500;
const targetRecall = 0.98;
const buildMemoryBytes = 1e9;
const languages = { here: "ru", there: "en" } as const;
type Region = keyof typeof languages;

/** No filter, and filters that leave a tenth, nine tenths, a thousandth, a third and a thirtieth of the corpus. */
const filters: Record<string, SearchFilter | undefined> = {
  none: undefined,
  "in English": { language: "en" },
  "in Russian": { language: "ru" },
  "rare tag": { metadata: { tag: "rare" } },
  "frequent tag": { metadata: { tag: "third" } },
  "frequent tag in English": { language: "en", metadata: { tag: "third" } },
};

interface FilteredSearch {
  index: AnnSettings["kind"];
  filter: string;
  /** Which region the query is in: that of the Russian nine tenths, or of the English tenth. */
  region: Region;
  /** Number of results, the lowest of all queries, and number of rows that the filter leaves. */
  found: number;
  matching: number;
  /** Share of an exact search's results. */
  recall: number;
  /** Mean milliseconds of a search. */
  tookMs: number;
}

export interface FilteredFigures {
  chunks: number;
  dimensions: number;
  searches: FilteredSearch[];
}

export async function measureFiltered(
  database: Database,
  name: string,
  chunks: number,
  say: (line: string) => void,
): Promise<FilteredFigures> {
  const profile = await readProfile(database, name);
  say(`Storing ${chunks} vectors in two regions`);
  await fill(database, profile, chunks);
  const searches: FilteredSearch[] = [];
  for (const shape of [
    { kind: "hnsw", m: 16, efConstruction: 64 },
    { kind: "ivfflat", lists: Math.max(1, Math.round(chunks / 1_000)) },
  ] as const) {
    say(`Building the ${shape.kind} index`);
    await using session = await openSession(database);
    await createAnnIndex(session, profile, shape, { memoryBytes: buildMemoryBytes, parallelWorkers: 1 });
    await database.execute(sql.raw(`analyze ${embeddingsPartition(name)}`));
    const ann = { kind: shape.kind, recall10: 1, targetRecall, sample: 1, measuredAt: "" };
    let searchSetting = shape.kind === "hnsw" ? 40 : Math.ceil(Math.sqrt(shape.lists));
    const recallWithout = async () => {
      const of = { index: shape.kind, filter: "none", region: "here" } as const;
      return (await measureOne(database, { ...profile, ann: { ...ann, searchSetting } }, of)).recall;
    };
    // As `index build` finds it, so that what a filter costs is not what too narrow a search costs.
    while ((await recallWithout()) < targetRecall && searchSetting < 1_000)
      searchSetting = Math.min(1_000, 2 * searchSetting);
    say(`It is searched with ${searchSetting}`);
    for (const filter of Object.keys(filters)) {
      for (const region of Object.keys(languages) as Region[]) {
        const of = { index: shape.kind, filter, region };
        searches.push(await measureOne(database, { ...profile, ann: { ...ann, searchSetting } }, of));
      }
    }
    await dropAnnIndex(session, profile);
  }
  return { chunks, dimensions: profile.dimensions, searches };
}

async function measureOne(
  database: Database,
  profile: RegisteredProfile,
  { index, filter: name, region }: Pick<FilteredSearch, "index" | "filter" | "region">,
): Promise<FilteredSearch> {
  const filter = filters[name];
  let [found, hits, wanted, tookMs, matching] = [limit, 0, 0, 0, 0];
  for (let query = 0; query < queries; query++) {
    const vector = drawVector(profile.dimensions, region);
    const exact = await searchExactly(database, profile, vector, { limit, filter });
    const startedAt = performance.now();
    const results = await searchProfile(database, profile, vector, { limit, filter });
    tookMs += (performance.now() - startedAt) / queries;
    const ids = new Set(results.map(({ chunkId }) => chunkId));
    found = Math.min(found, results.length);
    matching = Math.max(matching, exact.length);
    hits += exact.filter(({ chunkId }) => ids.has(chunkId)).length;
    wanted += exact.length;
  }
  return {
    index,
    filter: name,
    region,
    found,
    matching,
    recall: roundTo(hits / wanted, 3),
    tookMs: roundTo(tookMs, 1),
  };
}

/** A random vector near one of the topics of a region. The sine gives each topic its own direction, here and in SQL. */
function drawVector(dimensions: number, region: Region): Float32Array {
  const ownAxis = region === "here" ? 1 : 2;
  const topic = Math.floor(Math.random() * topics);
  return Float32Array.from({ length: dimensions }, (_, index) => {
    const axis = index + 1;
    return (axis === ownAxis ? 1 : 0) + 0.08 * Math.sin(topic * axis * 0.7231) + 0.1 * (Math.random() - 0.5);
  });
}

/**
 * Nine tenths are Russian and in one region, one tenth is English and in another; each document is one chunk. In each
 * region vectors are grouped by topics, as those of real texts are.
 */
async function fill(database: Database, profile: RegisteredProfile, chunks: number): Promise<void> {
  const relation = sql.raw(profile.relation);
  await database.execute(sql`
    insert into reembed.documents (uri, title, language, body, metadata)
    select 'd' || n, '', case when n % 10 = 0 then 'en' else 'ru' end, 'text ' || n,
      jsonb_build_object('tag', case when n % 1000 = 7 then 'rare' when n % 3 = 0 then 'third' else 'other' end)
    from generate_series(1, ${chunks}::int) n`);
  await database.execute(sql`
    insert into ${relation} (chunking, document_id, position, start_offset, end_offset, content)
    select ${profile.chunking}, id, 1, 0, 1, body from reembed.documents`);
  await database.execute(sql`
    insert into ${sql.raw(embeddingsPartition(profile.name))} (profile, chunk_id, content_hash, embedding, model_revision)
    select ${profile.name}, c.id, '', (
      select array_agg(case when axis = (case when d.language = 'en' then 2 else 1 end) then 1 else 0 end
        + 0.08 * sin((c.id / 10 % ${topics}) * axis * 0.7231) + 0.1 * (random() - 0.5))
      from generate_series(1, ${profile.dimensions}::int) axis where axis <> -c.id
    )::vector::halfvec, '' from ${relation} c join reembed.documents d on d.id = c.document_id`);
  await database.execute(sql`analyze reembed.documents`);
  await database.execute(sql`analyze ${relation}`);
}
