import escapeHtml from "escape-html";

/** Text that is markup already. Only `html` makes it, so that nothing reaches a page unescaped by oversight. */
export class Html {
  readonly #markup: string;

  constructor(markup: string) {
    this.#markup = markup;
  }

  toString(): string {
    return this.#markup;
  }
}

type Value = Html | string | number | false | null | undefined | readonly Value[];

/** A template of markup: what is put into it is escaped unless it is `Html`; lists are joined, nothing is left out. */
export function html(strings: TemplateStringsArray, ...values: readonly Value[]): Html {
  return new Html(String.raw({ raw: strings }, ...values.map(toMarkup)));
}

function toMarkup(value: Value): string {
  if (value === false || value === null || value === undefined) return "";
  if (value instanceof Html) return value.toString();
  if (typeof value === "object") return value.map(toMarkup).join("");
  return escapeHtml(String(value));
}
