import type { Command } from "commander";
import { describe, expect, test } from "vitest";
import { examples } from "./examples.ts";
import { createProgram } from "./program.ts";

/** The words of every command that does something, such as `backfill start`. */
const commands = namesBelow(await createProgram());

test("every command has an example, and every example a command", () => {
  expect(Object.keys(examples).toSorted()).toEqual(commands.toSorted());
});

describe("what the help shows is accepted as it stands", () => {
  test.each(Object.entries(examples).flatMap(([name, lines]) => lines.map((line) => ({ name, line }))))(
    "$line",
    async ({ name, line }) => {
      const [program = "", ...words] = splitWords(line.replace(/^([A-Z_]+=\S+ )+/, ""));
      expect(program).toBe("reembed");
      const called: string[] = [];
      const parsed = await createProgram(words[0]);
      replaceActions(parsed, [], (command) => void called.push(command));
      await parsed.parseAsync(words, { from: "user" });
      expect(called).toEqual([name]);
    },
  );
});

function namesBelow(command: Command, path: readonly string[] = []): string[] {
  return command.commands.flatMap((below) => {
    const words = [...path, below.name()];
    return below.commands.length > 0 ? namesBelow(below, words) : [words.join(" ")];
  });
}

function replaceActions(command: Command, path: readonly string[], called: (name: string) => void): void {
  for (const below of command.commands) {
    const words = [...path, below.name()];
    if (below.commands.length > 0) replaceActions(below, words, called);
    else below.action(() => called(words.join(" ")));
  }
}

/** As a shell does with the quotes that the examples have. */
function splitWords(line: string): string[] {
  const words = line.match(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g) ?? [];
  return words.map((word) => word.replaceAll(/["']/g, ""));
}
