import { expect, test } from "vitest";
import { contentStems, stemsOf } from "./stems.ts";

test("all forms of a word have the same stem, with ё or е", () => {
  expect(stemsOf("Отпуска отпуском ОТПУСКУ", "ru")).toEqual(["отпуск", "отпуск", "отпуск"]);
  expect(stemsOf("расчёт", "ru")).toEqual(stemsOf("расчет", "ru"));
  expect(stemsOf("vacations", "en")).toEqual(stemsOf("vacation", "en"));
  expect(stemsOf("congés", "fr")).toEqual(stemsOf("congé", "fr"));
});

test("the content words of a question remain without its function words", () => {
  expect([...contentStems("Когда мне можно уйти в отпуск?", "ru")]).toEqual(stemsOf("уйти отпуск", "ru"));
  expect([...contentStems("How much does it cost?", "en")]).toEqual(["cost"]);
  expect([...contentStems("Est-ce que l'employeur paie ?", "fr")]).toEqual(stemsOf("employeur paie", "fr"));
});

test("a language without a stemmer keeps its words", () => {
  expect(stemsOf("zarade i 5. dan", "sr")).toEqual(["zarade", "i", "5", "dan"]);
});
