import { once } from "node:events";
import { chmod, rm, symlink, truncate } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { folderOf } from "@reembed/testing";
import { describe, expect, onTestFinished, test } from "vitest";
import { document, jsonlOf, lineOf, read, sumOf } from "../../test/corpus-fixtures.ts";
import { measureCorpus, readCorpus } from "./read-corpus.ts";

describe("a path", () => {
  test("that is missing or is not a corpus is refused with exit code 2", async () => {
    const folder = await folderOf({ "page.md": "Text." });
    for (const path of [join(folder, "missing.jsonl"), join(folder, "page.md")]) {
      const refusal = expect.objectContaining({ code: "corpus_unreadable", exitCode: 2 });
      await expect(measureCorpus(path)).rejects.toEqual(refusal);
      await expect(readCorpus(path).next()).rejects.toEqual(refusal);
    }
    await expect(measureCorpus(join(folder, "page.md"))).rejects.toThrow("neither a folder nor a .jsonl file");
  });

  test("may end in .ndjson, in any case", async () => {
    const folder = await folderOf({ "corpus.NDJSON": lineOf({}) });
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

  test("takes the language from the name of the first folder, if it is one", async () => {
    const folder = await folderOf({ "ru/pay/1.md": "1", "en.md": "2", "qa/3.md": "3", "docs/en/4.md": "4" });
    const { documents } = await read(folder);
    expect(Object.fromEntries(documents.map(({ uri, language }) => [uri, language]))).toEqual({
      "ru/pay/1.md": "ru",
      "en.md": "und",
      "qa/3.md": "und",
      "docs/en/4.md": "und",
    });
  });

  test("keeps a text as it is, except for a byte order mark", async () => {
    const body = " # Отпуск\r\n\r\ne\u0301 \ufffd \ufeff\t\n\n";
    const folder = await folderOf({ "1.md": `\ufeff${body}` });
    expect((await read(folder)).documents).toEqual([
      { uri: "1.md", title: "Отпуск", language: "und", body, metadata: {} },
    ]);
  });

  test("reports each file that is not a document, and continues", async () => {
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
        { place: "5-nul.txt", reason: "contains a NUL character, which PostgreSQL cannot store" },
      ],
    });
  });

  test("follows links, but not to a folder that contains them", async () => {
    const folder = await folderOf({ "a/1.md": "1", "b/c/2.md": "2" });
    await symlink("..", join(folder, "a/up"));
    await symlink(join(folder, "b"), join(folder, "b/c/again"));
    await symlink("../b/c/2.md", join(folder, "a/2.md"));
    await symlink("b", join(folder, "d"));
    const { documents, problems } = await read(folder);
    expect(documents.map(({ uri }) => uri)).toEqual(["a/1.md", "a/2.md", "b/c/2.md", "d/c/2.md"]);
    expect(problems).toEqual([]);
  });

  test("reports a broken link, a socket, and a file that disappears meanwhile", async () => {
    const folder = await folderOf({ "1.md": "1", "2.md": "2", "5.md": "5" });
    await symlink("nothing", join(folder, "3.md"));
    const server = createServer().listen(join(folder, "4.md"));
    onTestFinished(() => void server.close());
    await once(server, "listening");
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

  // root may read every file.
  test.skipIf(process.getuid?.() === 0)("reports a file and a folder that it may not read", async () => {
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
    expect((await read(folder)).problems).toEqual([
      { place: "1.md", reason: "is larger than 64 MiB, the maximum size of a document" },
    ]);
  });
});

test("the bytes of all entries sum up to the size of the corpus, and two runs are the same", async () => {
  const folder = await folderOf({ "ru/1.md": "Раз", "2.txt": "", "3.md": Buffer.from([0xff]), "4.html": "no" });
  await symlink("nothing", join(folder, "5.md"));
  const jsonl = await jsonlOf("\ufeff", lineOf({}), "", "{", `${lineOf({ body: "Два" })}\r`, " ", "");
  for (const [path, totalBytes] of [
    [folder, 7],
    [jsonl, 3 + 1 + lineOf({}).length + 1 + 1 + 2 + Buffer.byteLength(lineOf({ body: "Два" })) + 2 + 2],
  ] as const) {
    const entries = await Array.fromAsync(readCorpus(path));
    expect(sumOf(entries)).toBe(totalBytes);
    expect(await measureCorpus(path)).toEqual({ totalBytes });
    expect(await Array.fromAsync(readCorpus(path))).toEqual(entries);
  }
});
