import { type Html, html } from "@reembed/http/html";
import type { QuarantinedChunk } from "@reembed/store/embeddings";

export interface QuarantineView {
  profile: string;
  reasons: readonly { reason: string; chunks: number }[];
  /** The reason that the list is limited to, if any. */
  reason: string | undefined;
  chunks: readonly QuarantinedChunk[];
  /** The start of the next page; undefined on the last page. */
  nextAfter: number | undefined;
  /** Number of chunks that the previous request has enqueued again. */
  retried: number | undefined;
  mayRetry: boolean;
}

export function renderQuarantine(view: QuarantineView): Html {
  const { profile, reasons, reason, chunks, nextAfter, retried, mayRetry } = view;
  const ofReason = reasons.find((entry) => entry.reason === reason);
  return html`<h1>Quarantine of ${profile}</h1>
${retried !== undefined && html`<p role="status" class="notice">${plural(retried, "chunk")} will be enqueued again.</p>`}
${renderFilter(view)}
${mayRetry && ofReason && renderRetryAll(profile, ofReason)}
${chunks.length === 0 ? html`<p>No chunk is in quarantine here.</p>` : renderTable(view)}
${nextAfter !== undefined && html`<p><a href="${listPath(profile, reason, nextAfter)}">Next page</a></p>`}`;
}

function renderFilter({ profile, reasons, reason: current }: QuarantineView): Html {
  const link = (reason: string | undefined, text: string) =>
    html`<li><a href="${listPath(profile, reason)}"${reason === current && html` aria-current="page"`}>${text}</a></li>`;
  return html`<nav aria-label="Reasons"><ul class="filter">
${link(undefined, "all")}
${reasons.map(({ reason, chunks }) => link(reason, `${reason} (${chunks})`))}
</ul></nav>`;
}

function renderRetryAll(profile: string, { reason, chunks }: { reason: string; chunks: number }): Html {
  const text = `Retry ${chunks === 1 ? "the chunk" : `all ${chunks} chunks`} with ${reason}`;
  return html`<p><a class="button" href="${retryPath(profile, { reason })}">${text}</a></p>`;
}

function renderTable({ profile, reason, chunks, mayRetry }: QuarantineView): Html {
  return html`<div class="scroll"><table>
<caption class="hidden">Chunks in quarantine</caption>
<thead><tr><th scope="col" class="number">Chunk</th><th scope="col">Document</th><th scope="col">Reason</th>
<th scope="col">Detail</th><th scope="col" class="number">Attempts</th>${mayRetry && html`<th scope="col">Retry</th>`}</tr></thead>
<tbody>${chunks.map(
    (chunk) => html`<tr><th scope="row" class="number">${chunk.chunkId}</th>
<td>${chunk.title ?? "unknown"} <small>${chunk.uri}</small></td><td>${chunk.reason}</td><td>${chunk.detail}</td>
<td class="number">${chunk.attempts}</td>${mayRetry && html`<td>${renderRetry(profile, reason, chunk.chunkId)}</td>`}</tr>`,
  )}</tbody>
</table></div>`;
}

function renderRetry(profile: string, reason: string | undefined, chunkId: number): Html {
  const path = retryPath(profile, { chunkId: String(chunkId), ...(reason === undefined ? {} : { from: reason }) });
  return html`<a href="${path}" aria-label="Retry chunk ${chunkId}">Retry</a>`;
}

function listPath(profile: string, reason: string | undefined, after?: number): string {
  const query = new URLSearchParams();
  if (reason !== undefined) query.set("reason", reason);
  if (after !== undefined) query.set("after", String(after));
  const path = `quarantine/${encodeURIComponent(profile)}`;
  return query.size === 0 ? path : `${path}?${query}`;
}

function retryPath(profile: string, query: Record<string, string>): string {
  return `steer/quarantine/${encodeURIComponent(profile)}?${new URLSearchParams(query)}`;
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
