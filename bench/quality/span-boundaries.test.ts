import { expect, test } from "vitest";
import { isBoundary } from "./span-boundaries.ts";

const body = `# Жара 🌡️ и холод

**Нормы.** В офисе зимой 22–24 градуса. Измеряют «на уровне груди». Антракт

| Температура | Работаем |
|---|---|
| 31 | 3 часа |

1. **Удержано** — НДФЛ (13 % с дохода);
- вода из кулера.

Antwort: *Ja, immer.*`;

/** Whether the start and the end of a text's first occurrence are boundaries. */
function boundariesOf(text: string): [boolean, boolean] {
  const start = [...body.slice(0, body.indexOf(text))].length;
  return [isBoundary(body, start, "start"), isBoundary(body, start + [...text].length, "end")];
}

test("sentences, headings, list items, table rows and quotations start and end at boundaries", () => {
  for (const text of [
    "# Жара 🌡️ и холод",
    "Жара 🌡️ и холод",
    "В офисе зимой 22–24 градуса.",
    "В офисе зимой 22–24 градуса",
    "Измеряют «на уровне груди».",
    "**Нормы.** В офисе зимой 22–24 градуса.",
    "| 31 | 3 часа |",
    "31 | 3 часа",
    "1. **Удержано** — НДФЛ (13 % с дохода);",
    "**Удержано** — НДФЛ (13 % с дохода)",
    "вода из кулера.",
    "Ja, immer.",
    "Антракт",
  ]) {
    expect([text, ...boundariesOf(text)]).toEqual([text, true, true]);
  }
});

test("a part that is shifted by a character starts or ends within a word or at a space", () => {
  for (const text of [" офисе зимой 22–24 градуса. И", " В офисе зимой 22–24 градуса. ", "змеряют «на уровне груди"]) {
    expect([text, ...boundariesOf(text)]).toEqual([text, false, expect.any(Boolean)]);
  }
  expect(boundariesOf("В офисе зимой 22–24")).toEqual([true, false]);
  expect(boundariesOf("3 часа")).toEqual([false, true]);
});
