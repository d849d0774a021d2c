import { type Html, html } from "@reembed/http/html";

export function section(id: string, title: string, body: readonly (Html | false | string)[]): Html {
  return html`<section aria-labelledby="${id}">
<h2 id="${id}">${title}</h2>
${body}
</section>
`;
}

export interface Fact {
  term: string;
  value: string;
  /** How certain it is, or what it means. */
  note?: string | Html;
}

export function facts(list: readonly (Fact | false)[]): Html {
  return html`<dl class="facts">${list.map(
    (fact) =>
      fact &&
      html`<div><dt>${fact.term}</dt><dd><strong>${fact.value}</strong>${fact.note !== undefined && html` <span class="note">${fact.note}</span>`}</dd></div>\n`,
  )}</dl>`;
}

type Cell = string | Html;

interface TableOptions {
  caption: string;
  /** The names of the columns; those that begin with `#` have numbers. */
  head: readonly string[];
  /** The first cell of a row names it. */
  rows: readonly (readonly Cell[])[];
}

/** A table that scrolls by itself where the screen is too narrow, also by the keyboard. */
export function table({ caption, head, rows }: TableOptions): Html {
  const align = (column: number) => head[column]?.startsWith("#") && html` class="number"`;
  return html`<div class="scroll" role="region" tabindex="0" aria-label="${caption}"><table>
<caption>${caption}</caption>
<thead><tr>${head.map((name, column) => html`<th scope="col"${align(column)}>${name.replace(/^#/, "")}</th>`)}</tr></thead>
<tbody>${rows.map(
    ([first = "", ...cells]) =>
      html`<tr><th scope="row">${first}</th>${cells.map((cell, index) => html`<td${align(index + 1)}>${cell}</td>`)}</tr>\n`,
  )}</tbody>
</table></div>
`;
}

export function list(items: readonly (Html | string)[]): Html | false {
  return items.length > 0 && html`<ul>${items.map((item) => html`<li>${item}</li>\n`)}</ul>`;
}

/** A text from the database or from an operator, whose direction of writing does not change what stands around it. */
export function foreign(text: string): Html {
  return html`<bdi>${text}</bdi>`;
}

export function command(text: string): Html {
  return html`<pre><code dir="ltr">${text}</code></pre>`;
}

/** `2025-11-22 14:05 UTC`. */
export function moment(at: Date | string): string {
  return `${new Date(at).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}
