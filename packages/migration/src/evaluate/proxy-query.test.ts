import { expect, test } from "vitest";
import { takeSentence, withoutSentence } from "./proxy-query.ts";

const content = `the cut end of a sentence that began before.
# Отпуск сотрудников нашей компании
| Сколько дней | двадцать восемь календарных |
Отпуск длится двадцать восемь календарных дней. Да. Заявление подают за две недели.
This last one may be cut off as well as the fi`;

test("the sentence nearest to the middle is taken, never a heading, a table row or a cut-off end", () => {
  expect(takeSentence(content)).toBe("Отпуск длится двадцать восемь календарных дней.");
  expect(takeSentence("# Heading only\n| a | row |\n")).toBeUndefined();
});

test("its chunk is the text without it, unless too little is left", () => {
  const sentence = takeSentence(content) ?? "";
  expect(withoutSentence(content, sentence)).not.toContain("двадцать восемь календарных дней");
  expect(withoutSentence(content.slice(0, 200), sentence)).toBeUndefined();
});
