import { execFileSync } from "node:child_process";
import { chmod, mkdir, mkdtemp, open, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, onTestFinished, test } from "vitest";
import { type CorpusDocument, type CorpusEntry, measureCorpus, readCorpus } from "./read-corpus.ts";

const nul = "contains a NUL character, which PostgreSQL cannot store";
const oversize = "is larger than 64 MiB, the most that a document may have";
const document: CorpusDocument = { uri: "a", title: "A", language: "en", body: "Text.", metadata: {} };
const line = (fields: object) => JSON.stringify({ ...document, ...fields });

/** A new folder with these files. */
async function folderOf(files: Record<string, string | Buffer>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "reembed-corpus-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content);
  }
  return folder;
}

async function jsonlOf(...lines: string[]): Promise<string> {
  return join(await folderOf({ "corpus.jsonl": lines.join("\n") }), "corpus.jsonl");
}

async function read(path: string) {
  const entries = await Array.fromAsync(readCorpus(path));
  return {
    documents: entries.flatMap((entry) => (entry.kind === "document" ? [entry.document] : [])),
    problems: entries.flatMap((entry) => (entry.kind === "problem" ? [entry.problem] : [])),
    bytesRead: sumOf(entries),
  };
}

function sumOf(entries: CorpusEntry[]): number {
  return entries.reduce((sum, entry) => sum + entry.bytesRead, 0);
}

describe("a path", () => {
  test("that is missing or no corpus is refused with exit code 2", async () => {
    const folder = await folderOf({ "page.md": "Text." });
    for (const path of [join(folder, "missing.jsonl"), join(folder, "page.md")]) {
      const refusal = expect.objectContaining({ code: "corpus_unreadable", exitCode: 2 });
      await expect(measureCorpus(path)).rejects.toEqual(refusal);
      await expect(readCorpus(path).next()).rejects.toEqual(refusal);
    }
    await expect(measureCorpus(join(folder, "page.md"))).rejects.toThrow("neither a folder nor a .jsonl file");
  });

  test("may end in .ndjson, in any case", async () => {
    const folder = await folderOf({ "corpus.NDJSON": line({}) });
    expect((await read(join(folder, "corpus.NDJSON"))).documents).toEqual([document]);
  });
});

describe("a folder", () => {
  test("gives its .txt and .md files, at any depth, in the order of their paths", async () => {
    const folder = await folderOf({
      "ru/b/2.md": "2",
      "ru/b.txt": "3",
      "ru/b-1/1.md": "1",
      "README.md": "readme",
      "Z.TXT": "Z",
      "page.html": "no",
      md: "no",
    });
    const { documents, problems } = await read(folder);
    const uris = documents.map(({ uri }) => uri);
    expect(uris).toEqual(["README.md", "Z.TXT", "ru/b-1/1.md", "ru/b.txt", "ru/b/2.md"]);
    expect(uris).toEqual(uris.toSorted());
    expect(problems).toEqual([]);
    expect((await read(`${folder}/`)).documents).toEqual(documents);
  });

  test("takes the language from its first folder, where that is one", async () => {
    const folder = await folderOf({ "ru/pay/1.md": "1", "en.md": "2", "qa/3.md": "3", "docs/en/4.md": "4" });
    const { documents } = await read(folder);
    expect(Object.fromEntries(documents.map(({ uri, language }) => [uri, language]))).toEqual({
      "ru/pay/1.md": "ru",
      "en.md": "und",
      "qa/3.md": "und",
      "docs/en/4.md": "und",
    });
  });

  test("keeps a text as it is, but for a byte order mark", async () => {
    const body = " # Отпуск\r\n\r\ne\u0301 \ufffd \ufeff\t\n\n";
    const folder = await folderOf({ "1.md": `\ufeff${body}` });
    expect((await read(folder)).documents).toEqual([
      { uri: "1.md", title: "Отпуск", language: "und", body, metadata: {} },
    ]);
  });

  test("reports each file that is no document, and reads on", async () => {
    const folder = await folderOf({
      "1-empty.md": "",
      "2-blank.md": "\ufeff \r\n\u00a0",
      "3-latin.txt": Buffer.concat([Buffer.from("\ufffd né "), Buffer.from([0xe9, 0x20])]),
      "4-cut.txt": Buffer.from("ab€").subarray(0, 4),
      "5-nul.txt": "a\0b",
      "6-good.md": "Text.",
    });
    expect(await read(folder)).toMatchObject({
      documents: [{ uri: "6-good.md" }],
      problems: [
        { place: "1-empty.md", reason: "has no text" },
        { place: "2-blank.md", reason: "has no text" },
        { place: "3-latin.txt", reason: "invalid UTF-8 at byte 9" },
        { place: "4-cut.txt", reason: "invalid UTF-8 at byte 3" },
        { place: "5-nul.txt", reason: nul },
      ],
    });
  });

  test("follows links, but not into a folder that they are in", async () => {
    const folder = await folderOf({ "a/1.md": "1", "b/c/2.md": "2" });
    await symlink("..", join(folder, "a/up"));
    await symlink(join(folder, "b"), join(folder, "b/c/again"));
    await symlink("../b/c/2.md", join(folder, "a/2.md"));
    await symlink("b", join(folder, "d"));
    const { documents, problems } = await read(folder);
    expect(documents.map(({ uri }) => uri)).toEqual(["a/1.md", "a/2.md", "b/c/2.md", "d/c/2.md"]);
    expect(problems).toEqual([]);
  });

  test("reports a link to nothing, a pipe, and a file that vanishes while it reads", async () => {
    const folder = await folderOf({ "1.md": "1", "2.md": "2", "5.md": "5" });
    await symlink("nothing", join(folder, "3.md"));
    execFileSync("mkfifo", [join(folder, "4.md")]);
    const entries = readCorpus(folder);
    await entries.next();
    await rm(join(folder, "2.md"));
    expect(await Array.fromAsync(entries)).toMatchObject([
      { problem: { place: "2.md", reason: expect.stringMatching(/^cannot be read: ENOENT: .*2\.md'$/) } },
      { problem: { place: "3.md", reason: expect.stringMatching(/^cannot be read: ENOENT: /) } },
      { problem: { place: "4.md", reason: "cannot be read: it is not a regular file" } },
      { document: { uri: "5.md" } },
    ]);
  });

  // To root no file is closed.
  test.skipIf(process.getuid?.() === 0)("reports a file and a folder that it has no right to read", async () => {
    const folder = await folderOf({ "1.md": "1", "2/2.md": "2", "3.md": "3" });
    await chmod(join(folder, "1.md"), 0);
    await chmod(join(folder, "2"), 0);
    onTestFinished(() => chmod(join(folder, "2"), 0o700));
    const { documents, problems, bytesRead } = await read(folder);
    expect(documents).toMatchObject([{ uri: "3.md" }]);
    expect(problems).toEqual([
      { place: "1.md", reason: expect.stringMatching(/^cannot be read: EACCES: /) },
      { place: "2/", reason: expect.stringMatching(/^cannot be read: EACCES: /) },
    ]);
    expect(await measureCorpus(folder)).toEqual({ totalBytes: bytesRead });
  });

  test("does not read a file over 64 MiB", async () => {
    const folder = await folderOf({ "1.md": "1" });
    await truncate(join(folder, "1.md"), 64 * 1024 * 1024 + 1);
    expect((await read(folder)).problems).toEqual([{ place: "1.md", reason: oversize }]);
  });
});

describe("a JSONL file", () => {
  test("gives the document of each line, without keys that are not its own", async () => {
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

  test("may have a byte order mark, Windows line ends and empty lines, which count", async () => {
    const path = await jsonlOf("\ufeff", "", `${line({})}\r`, " \t\r", line({ body: "" }), "", "");
    expect(await read(path)).toMatchObject({
      documents: [document],
      problems: [{ place: "corpus.jsonl:5", reason: "has no text" }],
    });
    expect((await read(await jsonlOf(`\ufeff${line({})}`))).documents).toEqual([document]);
  });

  test.each<[string | RegExp, string]>([
    ["invalid JSON: Unexpected end of JSON input", '{"uri":'],
    ["invalid JSON: Unterminated string in JSON at position 10", '{"uri": "a'],
    [/^invalid JSON: Unexpected token ' ', [^\p{Cc}]+$/u, '{"uri": \u001b[31m}'],
    ["expected object, received array", "[]"],
    [/^uri: expected string, received undefined; title: .+; language: .+; body: .+/, "{}"],
    ["title: expected string, received undefined", line({ title: undefined })],
    ["body: expected string, received number", line({ body: 5 })],
    ["uri: is empty; language: is empty", line({ uri: "", language: "" })],
    ["uri: is longer than 2000 bytes", line({ uri: "я".repeat(1_001) })],
    ["metadata: expected object, received null", line({ metadata: null })],
    ["metadata: expected object, received array", line({ metadata: [] })],
    [nul, line({ body: "a\0" })],
    [`uri: ${nul}`, line({ uri: "a\0" })],
    [`title: ${nul}`, line({ title: "a\0" })],
    [`language: ${nul}`, line({ language: "a\0" })],
    [`metadata: ${nul}`, line({ metadata: { a: [{ b: "\0" }] } })],
    [`metadata: ${nul}`, line({ metadata: { "\0": 1 } })],
    ["contains a lone surrogate at character 5", line({ body: `a😀b ${"\ud83d"} c` })],
    ["metadata: contains a lone surrogate at character 1", line({ metadata: { a: "\udc00" } })],
    ["metadata: is nested deeper than 100 levels", line({ metadata: 0 }).replace("0", '{"a":'.repeat(1e5) + 1 + "}".repeat(1e5))],
    ["has no text", line({ body: " \n\u2003" })],
  ])("reports a line and reads on: %s", async (reason, bad) => {
    const path = await jsonlOf(line({ uri: "1" }), bad, line({ uri: "3" }));
    const { documents, problems } = await read(path);
    expect(documents.map(({ uri }) => uri)).toEqual(["1", "3"]);
    const expected = typeof reason === "string" ? reason : expect.stringMatching(reason);
    expect(problems).toEqual([{ place: "corpus.jsonl:2", reason: expected }]);
  });

  test("reports bytes that are not UTF-8, and does not replace them", async () => {
    const [before = "", after = ""] = line({ body: "né*" }).split("*");
    const latin = Buffer.concat([Buffer.from(before), Buffer.from([0xff]), Buffer.from(after)]);
    const folder = await folderOf({ "corpus.jsonl": latin });
    const reason = `invalid UTF-8 at byte ${Buffer.byteLength(before) + 1}`;
    expect((await read(join(folder, "corpus.jsonl"))).problems).toEqual([{ place: "corpus.jsonl:1", reason }]);
  });

  test("does not hold a line over 64 MiB", async () => {
    const path = await jsonlOf(line({ uri: "1" }), "");
    const lineBytes = 512 * 1024 * 1024;
    const file = await open(path, "r+");
    await file.write(`\n${line({ uri: "3" })}`, lineBytes);
    await file.close();

    const before = process.memoryUsage().arrayBuffers;
    let peak = before;
    let reading = true;
    const watching = (async () => {
      for (; reading; await setImmediate()) peak = Math.max(peak, process.memoryUsage().arrayBuffers);
    })();
    const { documents, problems, bytesRead } = await read(path);
    reading = false;
    await watching;
    expect(documents.map(({ uri }) => uri)).toEqual(["1", "3"]);
    expect(problems).toEqual([{ place: "corpus.jsonl:2", reason: oversize }]);
    expect(await measureCorpus(path)).toEqual({ totalBytes: bytesRead });
    expect(peak - before).toBeLessThan(lineBytes / 2);
  });

  test("of 20 MB is read with the memory of a few lines, and can be left at any line", async () => {
    const body = "Слово за слово. ".repeat(70);
    const path = await jsonlOf(...Array.from({ length: 10_000 }, (_, number) => line({ uri: `${number}`, body })));
    const { totalBytes } = await measureCorpus(path);
    expect(totalBytes).toBeGreaterThan(19e6);

    const before = heldBytes();
    let count = 0;
    let bytesRead = 0;
    for await (const entry of readCorpus(path)) {
      bytesRead += entry.bytesRead;
      if (++count % 2_000 === 0) expect(heldBytes() - before).toBeLessThan(5e6);
    }
    expect([count, bytesRead]).toEqual([10_000, totalBytes]);
    for await (const entry of readCorpus(path)) if (entry.kind === "document" && entry.document.uri === "9") break;
  });
});

test("the bytes of all entries sum up to the size of the corpus, and two runs are the same", async () => {
  const folder = await folderOf({ "ru/1.md": "Раз", "2.txt": "", "3.md": Buffer.from([0xff]), "4.html": "no" });
  await symlink("nothing", join(folder, "5.md"));
  const jsonl = await jsonlOf("\ufeff", line({}), "", "{", `${line({ body: "Два" })}\r`, " ", "");
  for (const [path, totalBytes] of [
    [folder, 7],
    [jsonl, 3 + 1 + line({}).length + 1 + 1 + 2 + Buffer.byteLength(line({ body: "Два" })) + 2 + 2],
  ] as const) {
    const entries = await Array.fromAsync(readCorpus(path));
    expect(sumOf(entries)).toBe(totalBytes);
    expect(await measureCorpus(path)).toEqual({ totalBytes });
    expect(await Array.fromAsync(readCorpus(path))).toEqual(entries);
  }
});

/** What is still referenced: without a collection, garbage would be counted too. */
function heldBytes(): number {
  setFlagsFromString("--expose-gc");
  runInNewContext("gc")();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
