import { open } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate, setTimeout } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { folderOf } from "@reembed/testing";
import { describe, expect, test } from "vitest";
import { document, jsonlOf, lineOf, read } from "../../test/corpus-fixtures.ts";
import { measureCorpus, readCorpus } from "./read-corpus.ts";

const nul = "contains a NUL character, which PostgreSQL cannot store";

describe("a JSONL file", () => {
  test("gives the document of each line, without unknown keys", async () => {
    const full = {
      uri: "b",
      title: "",
      language: "sr-Latn",
      body: " a\r\nb\ufeff ",
      metadata: { tags: ["x", { n: 1 }] },
    };
    const { metadata: _, ...bare } = document;
    const path = await jsonlOf(JSON.stringify({ ...full, extra: 1 }), JSON.stringify(bare));
    expect(await read(path)).toMatchObject({ documents: [full, document], problems: [] });
    expect(Object.keys((await read(path)).documents[0] ?? {})).toEqual(Object.keys(document));
  });

  test("may have a byte order mark, Windows line ends and empty lines, which count as lines", async () => {
    const path = await jsonlOf("\ufeff", "", `${lineOf({})}\r`, " \t\r", lineOf({ body: "" }), "", "");
    expect(await read(path)).toMatchObject({
      documents: [document],
      problems: [{ place: "corpus.jsonl:5", reason: "has no text" }],
    });
    expect((await read(await jsonlOf(`\ufeff${lineOf({})}`))).documents).toEqual([document]);
  });

  test.each<[string | RegExp, string]>([
    ["invalid JSON: Unexpected end of JSON input", '{"uri":'],
    ["invalid JSON: Unterminated string in JSON at position 10", '{"uri": "a'],
    [/^invalid JSON: Unexpected token ' ', [^\p{Cc}]+$/u, '{"uri": \u001b[31m}'],
    ["expected object, received array", "[]"],
    [/^uri: expected string, received undefined; title: .+; language: .+; body: .+/, "{}"],
    ["title: expected string, received undefined", lineOf({ title: undefined })],
    ["body: expected string, received number", lineOf({ body: 5 })],
    ["uri: is empty; language: is empty", lineOf({ uri: "", language: "" })],
    ["uri: is longer than 2000 bytes", lineOf({ uri: "я".repeat(1_001) })],
    ["metadata: expected object, received null", lineOf({ metadata: null })],
    ["metadata: expected object, received array", lineOf({ metadata: [] })],
    [nul, lineOf({ body: "a\0" })],
    [`uri: ${nul}`, lineOf({ uri: "a\0" })],
    [`title: ${nul}`, lineOf({ title: "a\0" })],
    [`language: ${nul}`, lineOf({ language: "a\0" })],
    [`metadata: ${nul}`, lineOf({ metadata: { a: [{ b: "\0" }] } })],
    [`metadata: ${nul}`, lineOf({ metadata: { "\0": 1 } })],
    ["contains a lone surrogate at character 5", lineOf({ body: `a😀b ${"\ud83d"} c` })],
    ["metadata: contains a lone surrogate at character 1", lineOf({ metadata: { a: "\udc00" } })],
    [
      "metadata: is nested deeper than 100 levels",
      lineOf({ metadata: 0 }).replace("0", '{"a":'.repeat(1e5) + 1 + "}".repeat(1e5)),
    ],
    ["has no text", lineOf({ body: " \n\u2003" })],
  ])("reports a bad line and continues: %s", async (reason, bad) => {
    const path = await jsonlOf(lineOf({ uri: "1" }), bad, lineOf({ uri: "3" }));
    const { documents, problems } = await read(path);
    expect(documents.map(({ uri }) => uri)).toEqual(["1", "3"]);
    const expected = typeof reason === "string" ? reason : expect.stringMatching(reason);
    expect(problems).toEqual([{ place: "corpus.jsonl:2", reason: expected }]);
  });

  test("reports invalid UTF-8 instead of replacing it", async () => {
    const [before = "", after = ""] = lineOf({ body: "né*" }).split("*");
    const latin = Buffer.concat([Buffer.from(before), Buffer.from([0xff]), Buffer.from(after)]);
    const folder = await folderOf({ "corpus.jsonl": latin });
    const reason = `invalid UTF-8 at byte ${Buffer.byteLength(before) + 1}`;
    expect((await read(join(folder, "corpus.jsonl"))).problems).toEqual([{ place: "corpus.jsonl:1", reason }]);
  });

  test("does not keep a line over 64 MiB in memory", async () => {
    const path = await jsonlOf(lineOf({ uri: "1" }), "");
    const lineBytes = 256 * 1024 * 1024;
    const file = await open(path, "r+");
    await file.write(`\n${lineOf({ uri: "3" })}`, lineBytes);
    await file.close();

    const before = process.memoryUsage().arrayBuffers;
    let peak = before;
    let reading = true;
    const watching = (async () => {
      for (; reading; await setTimeout(5)) peak = Math.max(peak, process.memoryUsage().arrayBuffers);
    })();
    const { documents, problems, bytesRead } = await read(path);
    reading = false;
    await watching;
    expect(documents.map(({ uri }) => uri)).toEqual(["1", "3"]);
    expect(problems).toEqual([
      { place: "corpus.jsonl:2", reason: "is larger than 64 MiB, the maximum size of a document" },
    ]);
    expect(await measureCorpus(path)).toEqual({ totalBytes: bytesRead });
    expect(peak - before).toBeLessThan(lineBytes * 0.75);
  });

  test("of 20 MB is read with the memory of a few lines", async () => {
    const body = "Слово за слово. ".repeat(70);
    const path = await jsonlOf(...Array.from({ length: 10_000 }, (_, number) => lineOf({ uri: `${number}`, body })));
    const { totalBytes } = await measureCorpus(path);
    expect(totalBytes).toBeGreaterThan(19e6);

    const before = await heldBytes();
    let count = 0;
    let bytesRead = 0;
    for await (const entry of readCorpus(path)) {
      bytesRead += entry.bytesRead;
      if (++count % 2_000 === 0) expect((await heldBytes()) - before).toBeLessThan(totalBytes / 2);
    }
    expect([count, bytesRead]).toEqual([10_000, totalBytes]);
  });
});

/** Memory that is still referenced. Buffers are freed one turn after the garbage collection that finds them. */
async function heldBytes(): Promise<number> {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc");
  collect();
  await setImmediate();
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
