const maxTitleLength = 120;

const heading = /^ {0,3}#[ \t]+(.+)/;
const fence = /^ {0,3}(`{3,}|~{3,})/;

/** The first heading `# …` outside of code blocks, else the first line with a letter or digit, else `fallback`. */
export function deriveTitle(body: string, fallback: string): string {
  let firstLine: string | undefined;
  let openFence: string | undefined;
  for (const [line] of body.matchAll(/[^\r\n]+/g)) {
    const mark = fence.exec(line)?.[1];
    if (openFence !== undefined) {
      if (mark?.startsWith(openFence)) openFence = undefined;
      continue;
    }
    openFence = mark;
    const title = withoutMarks(heading.exec(line)?.[1] ?? "");
    if (title !== "") return cutAtWord(title);
    if (firstLine === undefined && mark === undefined && /[\p{L}\p{N}]/u.test(line)) firstLine = line;
  }
  return firstLine === undefined ? fallback : cutAtWord(withoutMarks(firstLine));
}

/** Removes heading marks: `Title` for `## Title ##`. */
function withoutMarks(line: string): string {
  return line
    .trim()
    .replace(/^#+[ \t]+/, "")
    .replace(/(^|[ \t])#+$/, "")
    .trim();
}

function cutAtWord(line: string): string {
  // A slice of twice the length in code units always has enough code points, even if it splits a surrogate pair.
  const characters = [...line.slice(0, maxTitleLength * 2 + 1)];
  if (characters.length <= maxTitleLength) return line;
  const beginning = characters.slice(0, maxTitleLength).join("");
  const followedByWord = /\S/.test(characters[maxTitleLength] ?? "");
  const words = followedByWord ? beginning.replace(/\s+\S*$/, "") : beginning;
  return `${words.trimEnd()}…`;
}
