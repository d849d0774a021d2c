import { createHash, randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import timers from "node:timers/promises";
import { type Model, models, ReembedError } from "@reembed/core";
import {
  checkpoint,
  data,
  type Fault,
  model,
  StandInHub,
  sendOtherBytes,
  shards,
  stallAfter,
  status,
  unwanted,
  wanted,
  weights,
} from "@reembed/testing/hub";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { verifyModelFiles } from "../models/model-files.ts";
import { type PullOptions, type PullProgress, pullModel } from "./pull-model.ts";

/** The waits between retries, 15 s in all, are recorded instead of waited for. */
const waits: number[] = [];

let modelsFolder: string;
let folder: string;

beforeEach(async () => {
  waits.length = 0;
  vi.spyOn(timers, "setTimeout").mockImplementation(async (ms = 0, value, { signal } = {}) => {
    signal?.throwIfAborted();
    waits.push(ms);
    return value as never;
  });
  syncBuiltinESMExports();
  modelsFolder = await mkdtemp(join(tmpdir(), "reembed-pull-"));
  folder = join(modelsFolder, model.id);
});
afterEach(async () => {
  vi.restoreAllMocks();
  syncBuiltinESMExports();
  await rm(modelsFolder, { recursive: true });
});

describe("a pull", () => {
  test("fetches what inference needs, records it, and reports progress over all files", async () => {
    const all = { ...unwanted, ...checkpoint, ...shards, ...wanted };
    await using hub = await StandInHub.start(model.id, model.revision, all);
    const seen: PullProgress[] = [];
    const manifest = await pull(hub, { onProgress: (progress) => seen.push(progress) });

    expect(Object.keys(manifest.files).sort()).toEqual(Object.keys(wanted).sort());
    for (const [path, content] of Object.entries(wanted)) {
      expect(await readFile(join(folder, path))).toEqual(Buffer.from(content));
    }
    expect(manifest.files[data]).toEqual({ sha256: sha256(weights), sizeBytes: weights.length });
    expect(await verifyModelFiles(model, modelsFolder)).toEqual(manifest);

    const totalBytes = Object.values(wanted).reduce((sum, content) => sum + content.length, 0);
    expect(new Set(seen.map((progress) => progress.totalBytes))).toEqual(new Set([totalBytes]));
    const received = seen.map((progress) => progress.receivedBytes);
    expect(received).toEqual(received.toSorted((a, b) => a - b));
    expect(seen.at(-1)).toEqual({ path: data, receivedBytes: totalBytes, totalBytes });
  });

  test("skips files that are complete, and fetches altered ones again", async () => {
    await using hub = await StandInHub.start(model.id, model.revision, wanted);
    const manifest = await pull(hub);
    hub.requests.length = 0;
    expect(await pull(hub)).toEqual(manifest);
    expect(hub.requests).toEqual([]);

    await writeFile(join(folder, "onnx/model.onnx"), "GRAPH");
    expect(await pull(hub)).toEqual(manifest);
    expect(hub.requests.map(({ path }) => path)).toEqual(["onnx/model.onnx"]);
  });

  test("of a stand-in model fetches nothing: its files come with Reembed", async () => {
    const bundled = models.get("mini-m3") as Model;
    const hub = { endpoint: "http://unused", token: undefined };
    const pulled = await pullModel({ model: bundled, modelsFolder, hub });
    expect(pulled).toEqual(await verifyModelFiles(bundled, modelsFolder));
  });

  test("sends the token to the hub but not to the host that stores its files", async () => {
    await using hub = await StandInHub.start(model.id, model.revision, wanted);
    hub.requiredToken = "a-mirror's-own";
    await pull(hub, { hub: { endpoint: `${hub.endpoint}/`, token: hub.requiredToken } });
    const authorized = Object.fromEntries(hub.requests.map(({ path, authorization }) => [path, authorization]));
    expect(authorized).toMatchObject({ "config.json": `Bearer ${hub.requiredToken}`, [data]: undefined });
  });
});

describe("a download that was cut in the middle", () => {
  test("is continued in the same pull, without fetching the first bytes again", async () => {
    await using hub = await StandInHub.start(model.id, model.revision, wanted);
    failFirst(hub, stallAfter(100_000));
    await pull(hub, { onProgress: onceAt(100_000, () => hub.cutConnections()) });
    expect(requestsOfData(hub)).toEqual([undefined, "bytes=100000-"]);
    expect(hub.sentBytes[data]).toBe(200_000);
    expect(await readFile(join(folder, data))).toEqual(weights);
  });

  test("is continued by the next pull", async () => {
    await using hub = await StandInHub.start(model.id, model.revision, wanted);
    failFirst(hub, stallAfter(100_000));
    const abort = new AbortController();
    const reason = new Error("Ctrl-C");
    const onProgress = onceAt(100_000, () => abort.abort(reason));
    await expect(pull(hub, { onProgress, signal: abort.signal })).rejects.toBe(reason);
    expect(existsSync(join(folder, data))).toBe(false);

    await pull(hub);
    expect(requestsOfData(hub)).toEqual([undefined, "bytes=100000-"]);
    expect(hub.sentBytes[data]).toBe(200_000);
    await verifyModelFiles(model, modelsFolder);
  });

  test("starts over when the server ignores ranges", async () => {
    await using hub = await StandInHub.start(model.id, model.revision, wanted);
    hub.ranges = false;
    await leavePartial(weights.subarray(0, 100_000));
    await pull(hub);
    expect(requestsOfData(hub)).toEqual(["bytes=100000-"]);
    expect(hub.sentBytes[data]).toBe(weights.length);
    expect(await readFile(join(folder, data))).toEqual(weights);
  });

  test("starts over when the server refuses the range", async () => {
    await using hub = await StandInHub.start(model.id, model.revision, wanted);
    failFirst(hub, status(416));
    await leavePartial(weights.subarray(0, 100_000));
    await pull(hub);
    expect(requestsOfData(hub)).toEqual(["bytes=100000-", undefined]);
    expect(await readFile(join(folder, data))).toEqual(weights);
  });

  test("starts over when the partial file is of another revision", async () => {
    await using hub = await StandInHub.start(model.id, model.revision, wanted);
    await leavePartial(randomBytes(100_000));
    await pull(hub);
    expect(requestsOfData(hub)).toEqual(["bytes=100000-", undefined]);
    expect(await readFile(join(folder, data))).toEqual(weights);
  });

  test("starts over when the partial file is longer than the file", async () => {
    await using hub = await StandInHub.start(model.id, model.revision, wanted);
    await leavePartial(randomBytes(weights.length + 1));
    await pull(hub);
    expect(requestsOfData(hub)).toEqual([undefined]);
  });

  test("is retried as long as every try makes progress", async () => {
    await using hub = await StandInHub.start(model.id, model.revision, wanted);
    // Twenty tries that bring 10,000 bytes each; six in a row without progress would end the pull.
    const fault: Fault = (response, content) => {
      const start = (requestsOfData(hub).length - 1) * 10_000;
      const range = { "Content-Range": `bytes ${start}-${content.length - 1}/${content.length}` };
      response.writeHead(start === 0 ? 200 : 206, range).end(content.subarray(start, start + 10_000));
    };
    failFirst(hub, ...Array<Fault>(20).fill(fault));
    await pull(hub);
    expect(hub.sentBytes[data]).toBe(100_000);
    expect(await readFile(join(folder, data))).toEqual(weights);
  });
});

describe("a file with another hash than the hub's", () => {
  // The sha1 is what `git hash-object` prints for this config.json.
  test.each([
    { path: data, algorithm: "sha256", expected: sha256(weights) },
    { path: "config.json", algorithm: "git blob sha1", expected: "2d571516ebb055a8ca4d64f162ffa375fa504a59" },
  ])("is neither kept nor stored: $path, by its $algorithm", async ({ path, algorithm, expected }) => {
    await using hub = await StandInHub.start(model.id, model.revision, wanted);
    if (path === data) failFirst(hub, sendOtherBytes);
    else hub.faults.push(sendOtherBytes);
    const error = await failureOf(pull(hub));
    expect(error.code).toBe("model_file_altered");
    expect(error.message).toMatch(
      new RegExp(`^${path} of ${model.id} arrived altered .*: ${algorithm} [0-9a-f]+ instead of ${expected}\\.$`),
    );
    expect(await readdir(dirname(join(folder, path)))).not.toContain(path.replace("onnx/", ""));
    expect(existsSync(join(folder, `${path}.partial`))).toBe(false);
    await pull(hub);
    await verifyModelFiles(model, modelsFolder);
  });
});

describe("failures of the hub", () => {
  test("that are temporary are retried, with growing waits", async () => {
    await using hub = await StandInHub.start(model.id, model.revision, wanted);
    hub.faults.push(status(503), status(429), status(500));
    await pull(hub);
    expect(hub.requests.slice(0, 4).map(({ path }) => path)).toEqual(Array(4).fill("config.json"));
    expect(waits).toEqual([expect.any(Number), expect.any(Number), expect.any(Number)]);
    waits.forEach((ms, index) => {
      expect(ms).toBeGreaterThanOrEqual(250 * 2 ** index);
      expect(ms).toBeLessThanOrEqual(500 * 2 ** index);
    });
  });

  test("that persist end the pull after six tries", async () => {
    await using hub = await StandInHub.start(model.id, model.revision, wanted);
    hub.faults.push(...Array<Fault>(6).fill(status(503)));
    const error = await failureOf(pull(hub));
    expect(error).toMatchObject({ code: "hub_failed", exitCode: 1 });
    expect(error.message).toContain(`answered 503 for /${model.id}/resolve/${model.revision}/config.json`);
    expect(hub.requests).toHaveLength(6);
  });

  test("without any answer name the endpoint and other ways to get the files", async () => {
    const hub = await StandInHub.start(model.id, model.revision, wanted);
    const { endpoint } = hub;
    await hub[Symbol.asyncDispose]();
    const error = await failureOf(pullModel({ model, modelsFolder, hub: { endpoint, token: "secret" } }));
    expect(error).toMatchObject({ code: "hub_unreachable", exitCode: 1 });
    expect(error.message).toMatch(`No usable answer came from ${endpoint}: connect ECONNREFUSED`);
    expect(error.remedy).toContain("HF_ENDPOINT");
    expect(error.remedy).toContain(`MODELS_DIR/${model.id}/`);
    expect(waits).toHaveLength(5);
  });
});

describe("a repository", () => {
  test.each([
    { token: undefined, remedy: "set HF_TOKEN" },
    { token: "secret", remedy: "HF_TOKEN is set" },
  ])("for lack of permission ask for another token, and show none: $token", async ({ token, remedy }) => {
    await using hub = await StandInHub.start(model.id, model.revision, wanted);
    hub.requiredToken = "another";
    const error = await failureOf(pull(hub, { hub: { endpoint: hub.endpoint, token } }));
    expect(error).toMatchObject({ code: "model_forbidden", exitCode: 1 });
    expect(error.message).toBe(`${hub.endpoint} refused access to ${model.id} (401).`);
    expect(error.remedy).toContain(remedy);
    expect(`${error.message} ${error.remedy}`).not.toContain("secret");
    expect(waits).toEqual([]);
  });

  test("for an unknown revision name the model and the revision", async () => {
    await using hub = await StandInHub.start(model.id, "another-revision", wanted);
    const error = await failureOf(pull(hub));
    expect(error).toMatchObject({ code: "model_unknown", exitCode: 1 });
    expect(error.message).toContain(`has no ${model.id} at revision ${model.revision}`);
  });
});

// Only Linux has a file on a disk that is always full.
test.skipIf(!existsSync("/dev/full"))("an error for a full disk names the folder", async () => {
  await using hub = await StandInHub.start(model.id, model.revision, wanted);
  await mkdir(folder, { recursive: true });
  await symlink("/dev/full", join(folder, "config.json.partial"));
  const error = await failureOf(pull(hub));
  expect(error).toMatchObject({ code: "disk_full", exitCode: 1 });
  expect(error.message).toBe(`${folder} has no space left for ${model.id}.`);
});

function pull(hub: StandInHub, options: Partial<PullOptions> = {}) {
  return pullModel({ model, modelsFolder, hub: { endpoint: hub.endpoint, token: undefined }, ...options });
}

async function failureOf(promise: Promise<unknown>): Promise<ReembedError> {
  const error = await promise.catch((thrown: unknown) => thrown);
  if (error instanceof ReembedError) return error;
  throw new Error(`Not a ReembedError: ${error}`, { cause: error });
}

/** Makes the first requests for the large file, which is fetched last, fail. */
function failFirst(hub: StandInHub, ...faults: Fault[]): void {
  const before = Object.keys(wanted).length - 1;
  const none: undefined[] = Array(before).fill(undefined);
  hub.faults.push(...none, ...faults);
}

function onceAt(bytes: number, act: () => void): (progress: PullProgress) => void {
  const before = Object.values(wanted).reduce((sum, content) => sum + content.length, 0) - weights.length;
  let done = false;
  return ({ path, receivedBytes }) => {
    if (done || path !== data || receivedBytes - before < bytes) return;
    done = true;
    act();
  };
}

async function leavePartial(content: Buffer): Promise<void> {
  await mkdir(join(folder, "onnx"), { recursive: true });
  await writeFile(join(folder, `${data}.partial`), content);
}

function requestsOfData(hub: StandInHub): (string | undefined)[] {
  return hub.requests.filter(({ path }) => path === data).map(({ range }) => range);
}

function sha256(content: Buffer): string {
  return createHash("sha256").update(content).digest("hex");
}
