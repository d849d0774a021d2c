import type { DocumentInput } from "@reembed/store/corpus";

const words = "отпуск зарплата премия склад смена обучение безопасность командировка договор отдел".split(" ");

/** Documents with different texts of about 3,800 characters. */
export function fleetCorpus(documents: number): DocumentInput[] {
  return Array.from({ length: documents }, (_, document) => ({
    uri: `document-${document}`,
    title: `Документ ${document}`,
    language: "ru",
    body: Array.from(
      { length: 400 },
      (_, word) => `${words[(document * 7 + word * word) % 10]}${word % 13 === 0 ? document : ""}`,
    ).join(" "),
    metadata: {},
  }));
}
