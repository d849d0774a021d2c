import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A request for a file on /resolve/ or, for an LFS file, on the host that it redirects to. */
export interface FileRequest {
  path: string;
  range: string | undefined;
  authorization: string | undefined;
}

/** Answers a request for a file in a faulty way. */
export type Fault = (response: ServerResponse, content: Buffer) => void;

/**
 * A stand-in for the Hugging Face hub with one repository at one revision. Like the hub, it lists the tree in pages,
 * serves files and ranges on /resolve/, and redirects LFS files (safetensors, and all of `onnx/`) to another origin.
 */
export class StandInHub implements AsyncDisposable {
  readonly requests: FileRequest[] = [];
  /** Bytes sent per file, also those that did not arrive. */
  readonly sentBytes: Record<string, number> = {};
  /** The next requests for files are answered by these, one each; undefined means a correct answer. */
  readonly faults: (Fault | undefined)[] = [];
  /** Whether ranges are served; otherwise every answer is the whole file. */
  ranges = true;
  /** If set, requests without this token are refused with 401. */
  requiredToken: string | undefined;
  readonly #repository: string;
  readonly #files: Map<string, Buffer>;
  readonly #server = createServer((request, response) => this.#answer(request, response));

  private constructor(id: string, revision: string, files: Record<string, string | Buffer>) {
    this.#repository = `${id}@${revision}`;
    this.#files = new Map(Object.entries(files).map(([path, content]) => [path, Buffer.from(content)]));
  }

  static async start(id: string, revision: string, files: Record<string, string | Buffer>): Promise<StandInHub> {
    const hub = new StandInHub(id, revision, files);
    hub.#server.listen(0, "127.0.0.1");
    await once(hub.#server, "listening");
    return hub;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Cuts all connections in the middle of an answer, like a network failure. */
  cutConnections(): void {
    this.#server.closeAllConnections();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  get #port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? "", this.endpoint);
    const [, tree, treeRevision] = /^\/api\/models\/(.+)\/tree\/([^/]+)$/.exec(url.pathname) ?? [];
    const [, resolve, revision, path = ""] = /^\/(.+)\/resolve\/([^/]+)\/(.+)$/.exec(url.pathname) ?? [];
    const stored = url.pathname.startsWith("/stored/") ? url.pathname.slice("/stored/".length) : undefined;
    const [, branched] = /^\/api\/models\/(.+)\/revision\/main$/.exec(url.pathname) ?? [];
    if (stored !== undefined) this.#sendFile(stored, request, response);
    else if (this.requiredToken !== undefined && request.headers.authorization !== `Bearer ${this.requiredToken}`) {
      response.writeHead(401).end();
    } else if (branched !== undefined && this.#repository.startsWith(`${branched}@`)) {
      response.end(JSON.stringify({ id: branched, sha: this.#repository.slice(branched.length + 1) }));
    } else if (`${tree}@${treeRevision}` === this.#repository) this.#sendTree(url, response);
    else if (`${resolve}@${revision}` !== this.#repository || !this.#files.has(path)) response.writeHead(404).end();
    else if (inLfs(path)) {
      response.writeHead(302, { location: `http://localhost:${this.#port}/stored/${path}` }).end();
    } else this.#sendFile(path, request, response);
  }

  #sendTree(url: URL, response: ServerResponse): void {
    const pageSize = 3;
    const start = Number(url.searchParams.get("cursor") ?? 0);
    const entries = [...this.#files].map(([path, content]) => treeEntry(path, content));
    if (start + pageSize < entries.length) {
      url.searchParams.set("cursor", String(start + pageSize));
      response.setHeader("Link", `<${url}>; rel="next"`);
    }
    response.setHeader("Content-Type", "application/json").end(JSON.stringify(entries.slice(start, start + pageSize)));
  }

  #sendFile(path: string, { headers }: IncomingMessage, response: ServerResponse): void {
    this.requests.push({ path, range: headers.range, authorization: headers.authorization });
    const content = this.#files.get(path) ?? Buffer.alloc(0);
    const fault = this.faults.shift();
    if (fault !== undefined) fault(response, content);
    else this.#sendContent(path, content, headers.range, response);
  }

  #sendContent(path: string, content: Buffer, range: string | undefined, response: ServerResponse): void {
    const start = this.ranges ? Number(/^bytes=(\d+)-$/.exec(range ?? "")?.[1] ?? 0) : 0;
    const rest = content.subarray(start);
    this.sentBytes[path] = (this.sentBytes[path] ?? 0) + rest.length;
    response.setHeader("Content-Length", rest.length);
    if (this.ranges && range !== undefined) {
      response.writeHead(206, { "Content-Range": `bytes ${start}-${content.length - 1}/${content.length}` });
    }
    response.end(rest);
  }
}

/** A fault that sends the first bytes of the file and then nothing until the connection is cut. */
export function stallAfter(bytes: number): Fault {
  return (response, content) => {
    response.setHeader("Content-Length", content.length);
    response.write(content.subarray(0, bytes));
  };
}

/** A fault that answers with a status and no file. */
export function status(code: number): Fault {
  return (response) => void response.writeHead(code).end();
}

/** A fault that sends the right number of wrong bytes. */
export const sendOtherBytes: Fault = (response, content) => void response.end(Buffer.alloc(content.length, "?"));

function treeEntry(path: string, content: Buffer) {
  const oid = createHash("sha1").update(`blob ${content.length}\0`).update(content).digest("hex");
  const common = { type: "file", path, size: content.length, oid };
  if (!inLfs(path)) return common;
  const sha256 = createHash("sha256").update(content).digest("hex");
  return { ...common, oid: "0".repeat(40), lfs: { oid: sha256, size: content.length, pointerSize: 134 } };
}

function inLfs(path: string): boolean {
  return path.startsWith("onnx/") || path.endsWith(".safetensors");
}
