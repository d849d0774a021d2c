const sentences: readonly string[] = [
  "The employee must tell the manager about an illness on its first day and bring a certificate before the end of it",
  "Работник обязан предупредить руководителя о болезни в первый день и принести справку не позднее пятого",
  "Die Überstundenvergütung für Außendienstmitarbeiter wird gemäß § 3 am Monatsende überwiesen",
  "L’indemnité s’élève à douze euros ; où ça ? À l’été, cœur naïf",
  "¿Cuántos días de vacaciones quedan? ¡Mañana contesta el señor Núñez!",
  "工资 每月 发放 两次 。 年假 二十八天 ， 请 提前 申请",
  "給与 は 毎月 二十五日 に 支払われます 。 書類 を 提出 して ください",
  "الإجازة السنوية ثمانية وعشرون يومًا ، أليس كذلك ؟",
  "वेतन हर महीने दो बार दिया जाता है और अवकाश अट्ठाईस दिन का है",
  "휴가는 연간 28일이며 신청서는 미리 제출해야 합니다",
];
/** From a single word to several times what small models read. */
const lengths: readonly number[] = [1, 3, 8, 20, 60, 150, 400];

/** 200 different texts in ten languages, some of them with characters that tokenizers trip over. */
export const textsOfLanguages: readonly string[] = [
  "  spaces around  ",
  "one line\n\nand\tanother \n",
  "😀 emoji — “quotes” № 5, 1 000 ₽",
  "x".repeat(3_000),
  ...Array.from({ length: 196 }, (_, text) => {
    const words = (sentences[text % sentences.length] ?? "").split(" ");
    const length = lengths[text % lengths.length] ?? 1;
    const chosen = Array.from({ length }, (_, place) => words[(text * 3 + place * (1 + (text % 3))) % words.length]);
    return `${chosen.join(" ")} ${text}`;
  }),
];
