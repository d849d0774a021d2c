import escapeHtml from "escape-html";

/** Markup. Only `html` creates it, so that no text reaches a page without being escaped. */
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

/** A template of markup. Values are escaped unless they are `Html`; lists are concatenated. */
export function html(strings: TemplateStringsArray, ...values: readonly Value[]): Html {
  return new Html(String.raw({ raw: strings }, ...values.map(toMarkup)));
}

function toMarkup(value: Value): string {
  if (value === false || value === null || value === undefined) return "";
  if (value instanceof Html) return value.toString();
  if (typeof value === "object") return value.map(toMarkup).join("");
  return escapeHtml(String(value));
}
