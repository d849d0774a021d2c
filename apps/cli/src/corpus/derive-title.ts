const maxTitleLength = 120;

const heading = /^ {0,3}#[ \t]+(.+)/;
const fence = /^ {0,3}(`{3,}|~{3,})/;

/** The first heading `# …` outside of a code block, else the first line with a word in it, else `fallback`. */
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

/** `Title` of `## Title ##`. */
function withoutMarks(line: string): string {
  return line
    .trim()
    .replace(/^#+[ \t]+/, "")
    .replace(/(^|[ \t])#+$/, "")
    .trim();
}

function cutAtWord(line: string): string {
  // Twice the length in code units holds the length in code points, whatever surrogate pair the slice splits.
  const characters = [...line.slice(0, maxTitleLength * 2 + 1)];
  if (characters.length <= maxTitleLength) return line;
  const beginning = characters.slice(0, maxTitleLength).join("");
  const followedByWord = /\S/.test(characters[maxTitleLength] ?? "");
  const words = followedByWord ? beginning.replace(/\s+\S*$/, "") : beginning;
  return `${words.trimEnd()}…`;
}
