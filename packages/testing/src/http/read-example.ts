import { readFileSync } from "node:fs";

/**
 * The block of code in docs/http.md that follows `<!-- run: mark -->`.
 * @throws RangeError if there is none.
 */
export function readExample(mark: string): string {
  const page = readFileSync(new URL("../../../../docs/http.md", import.meta.url), "utf8");
  const code = page.split(`<!-- run: ${mark} -->\n`)[1]?.match(/^```\w+\n(.*?)^```$/ms)?.[1];
  if (code === undefined) throw new RangeError(`docs/http.md has no example ${mark}`);
  return code;
}
