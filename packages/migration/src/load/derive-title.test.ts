import { describe, expect, test } from "vitest";
import { deriveTitle } from "./derive-title.ts";

const title = (body: string) => deriveTitle(body, "file name");

describe("the title", () => {
  test.each([
    ["the first heading, even after other text", "Intro.\n\n# Leave\n\n# Pay", "Leave"],
    ["that heading without its closing marks", "#  Leave in C#  ##\r\n", "Leave in C#"],
    ["not a comment in a code block", "```sh\n# install\n```\n~~~~\n# more\n~~~\n~~~~\n# Leave", "Leave"],
    ["not a heading without text or space", "# \n#\n#hashtag\n# Leave", "Leave"],
    ["else the first line", "\n \r\n  Leave and pay  \r\nMore.", "Leave and pay"],
    ["that line without the marks of a lower heading", "## Leave\n\ntext", "Leave"],
    ["the first line with a letter or digit", "---\n***\nLeave", "Leave"],
    ["else the fallback", "---\n!!!\n", "file name"],
  ])("is %s", (_, body, expected) => {
    expect(title(body)).toBe(expected);
  });

  test("is cut after the last whole word of its first 120 characters", () => {
    expect(title(`# ${"слово ".repeat(40)}`)).toBe(`${"слово ".repeat(20).trimEnd()}…`);
    expect(title(`ab ${"слово ".repeat(40)}`)).toBe(`ab ${"слово ".repeat(19).trimEnd()}…`);
    expect(title("a".repeat(120))).toBe("a".repeat(120));
  });

  test("is cut at 120 characters if it is a single word, and never within a character", () => {
    expect(title("中".repeat(121))).toBe(`${"中".repeat(120)}…`);
    expect(title("𝐚".repeat(120))).toBe("𝐚".repeat(120));
    expect(title(`a${"𝐚".repeat(200)}`)).toBe(`a${"𝐚".repeat(119)}…`);
  });

  test("takes linear time for a megabyte of spaces, marks or one line", () => {
    for (const filler of [" ", "#", " #", "`", "x"]) {
      expect(title(`# Leave ${filler.repeat(1_000_000)} x`)).toMatch(/^Leave/);
      expect(title(`${filler.repeat(1_000_000)}\n# Leave`)).toMatch(/^.{1,121}$/);
    }
  });
});
