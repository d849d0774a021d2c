import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

/** A notice as a receiver gets it. */
export interface Received {
  id: string;
  /** Whether the function in docs/migrating.md accepts its signature, and not for another body. */
  isSigned: boolean;
  type: string;
  timestamp: string;
  data: { profile: string | null; schema: string; text: string; [figure: string]: unknown };
}

export const secret = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;

const guide = readFileSync(new URL("../../../docs/migrating.md", import.meta.url), "utf8");
const [, code = ""] = /```js\n([\s\S]*?function isFromReembed[\s\S]*?)```/.exec(guide) ?? [];
const { isFromReembed }: { isFromReembed: (headers: IncomingHttpHeaders, body: string, secret: string) => boolean } =
  await import(`data:text/javascript,${encodeURIComponent(`${code}export { isFromReembed };`)}`);

/** A receiver of webhooks. */
export class WebhookReceiver implements AsyncDisposable {
  readonly received: Received[] = [];
  /** What answers the next requests, one each; then all are answered with 204. Nothing answers if it does nothing. */
  readonly answers: ((response: ServerResponse) => void)[] = [];
  readonly #server = createServer(async (request, response) => {
    const body = await text(request);
    const isSigned =
      isFromReembed(request.headers, body, secret) && !isFromReembed(request.headers, `${body} `, secret);
    this.received.push({ id: String(request.headers["webhook-id"]), isSigned, ...JSON.parse(body) });
    const answer = this.answers.shift();
    if (answer === undefined) response.writeHead(204).end();
    else answer(response);
  });

  static async start(): Promise<WebhookReceiver> {
    const receiver = new WebhookReceiver();
    receiver.#server.listen(0, "127.0.0.1");
    await once(receiver.#server, "listening");
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/reembed`;
  }

  /** The types that arrived, in order, without the first notice that every receiver gets. */
  get types(): string[] {
    return this.received.map(({ type }) => type).filter((type) => type !== "webhook.connected");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }
}
