import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { folderOf } from "@reembed/testing";
import { expect, test } from "vitest";
import { type JudgementFiles, readJudgements } from "./read-judgements.ts";

const head = "query-id\tcorpus-id\tscore";
const query = (id: string) => JSON.stringify({ _id: id, text: "Когда зарплата?", metadata: { language: "ru" } });

async function read(queries: readonly string[], judgements: readonly string[], options: Partial<JudgementFiles> = {}) {
  const folder = await folderOf({
    "queries.jsonl": `${queries.join("\n")}\n`,
    "qrels.tsv": `\ufeff${[head, ...judgements].join("\r\n")}\r\n`,
  });
  return await readJudgements({ queries: join(folder, "queries.jsonl"), qrels: join(folder, "qrels.tsv"), ...options });
}

test("documents and parts of them are judged; 0 means that a text does not help", async () => {
  const [first, second] = await read(
    [query("q001"), '{"_id":2,"text":"Payday?","metadata":{"language":null,"url":"x"}}'],
    ["q001\tru/01-pay-days.md\t1\t5\t9", "q001\tru/02-bonuses.md\t2", "2\ta.md\t0"],
  );
  expect(first).toEqual({
    id: "q001",
    text: "Когда зарплата?",
    language: "ru",
    judgements: [
      { document: "ru/01-pay-days.md", grade: 1, span: { start: 5, end: 9 } },
      { document: "ru/02-bonuses.md", grade: 2 },
    ],
  });
  expect(second).toEqual({ id: "2", text: "Payday?", language: undefined, judgements: [] });
});

test("queries without a line are unanswerable, or left out", async () => {
  const queries = [query("q001"), query("q002"), query("q003")];
  const lines = ["q001\ta.md\t2", "q002\ta.md\t0"];
  expect((await read(queries, lines)).map(({ id }) => id)).toEqual(["q001", "q002", "q003"]);
  expect((await read(queries, lines, { judgedOnly: true })).map(({ id }) => id)).toEqual(["q001", "q002"]);
  expect((await read(queries, [], { qrels: undefined })).map(({ id }) => id)).toEqual(["q001", "q002", "q003"]);
});

test("an invalid line is reported with its number", async () => {
  await expect(read([query("q001"), "{"], [])).rejects.toThrow("queries.jsonl:2 cannot be read");
  await expect(read(['{"_id":"q001","text":" "}'], [])).rejects.toThrow(
    "queries.jsonl:1 cannot be read: text: is blank",
  );
  await expect(read([query("q001"), query("q001")], [])).rejects.toThrow("the query q001 occurs twice");
  await expect(read([query("q001")], ["q002\ta.md\t2"])).rejects.toThrow(
    "qrels.tsv:2 cannot be read: there is no query",
  );
  await expect(read([query("q001")], ["q001\ta.md\t2", "q001\ta.md\t1"])).rejects.toThrow("qrels.tsv:3 cannot be read");
  for (const line of [
    "q001\ta.md",
    "q001\ta.md\tx",
    "q001\ta.md\t2\t0",
    "q001\ta.md\t2\t9\t9",
    "q001\ta.md\t2\t-1\t9",
  ]) {
    await expect(read([query("q001")], [line])).rejects.toThrow(
      "qrels.tsv:2 cannot be read: it does not consist of query-id",
    );
  }
  await expect(readJudgements({ queries: "/nowhere" })).rejects.toMatchObject({
    code: "judgements_unreadable",
    exitCode: 2,
  });
});

test("judgements without queries are only a sheet", async () => {
  const folder = await folderOf({});
  const qrels = join(folder, "qrels.tsv");
  await writeFile(qrels, `${head}\nq001\ta.md\t2\n`);
  await expect(readJudgements({ qrels })).rejects.toThrow("the queries are missing: give --queries");
});

test("files in another encoding, as spreadsheets save them by default, are refused by name", async () => {
  const cp1251 = Buffer.from([...Buffer.from(`${head}\nq1\t`), 0xee, 0xf2, ...Buffer.from("\t1\n")]);
  const utf16 = Buffer.from(`\ufeff${head}\nq1\ta.md\t1\n`, "utf16le");
  const folder = await folderOf({ "queries.jsonl": query("q1"), "cp1251.tsv": cp1251, "utf16.tsv": utf16 });
  for (const name of ["cp1251.tsv", "utf16.tsv"]) {
    const reading = readJudgements({ queries: join(folder, "queries.jsonl"), qrels: join(folder, name) });
    await expect(reading).rejects.toThrow(
      new RegExp(`${name} cannot be read: invalid UTF-8 at byte .*; save it as UTF-8`),
    );
  }
});

test("a file of judgements without column names is refused, because its first line would be lost", async () => {
  const folder = await folderOf({ "queries.jsonl": query("q1"), "qrels.tsv": "q1\ta.md\t1\n" });
  const reading = readJudgements({ queries: join(folder, "queries.jsonl"), qrels: join(folder, "qrels.tsv") });
  await expect(reading).rejects.toThrow(/qrels\.tsv:1 cannot be read: the first line is a judgement/);
});
