/** The document of a result; a chunk whose document is not known is one by itself. */
export function documentOf({ documentId, chunkId }) {
  return documentId === null ? `chunk-${chunkId}` : `document-${documentId}`;
}

/**
 * Where each document moved from one answer to the other, by its place among the documents, the best first.
 * @returns For each side, by document: its place there, and its place on the other side or undefined.
 */
export function comparePlaces(baseline, candidate) {
  const [before, after] = [baseline, candidate].map(placesOf);
  const beside = (own, other) => new Map([...own].map(([document, place]) => [document, [place, other.get(document)]]));
  return { baseline: beside(before, after), candidate: beside(after, before) };
}

function placesOf(results) {
  const documents = [...new Set(results.map(documentOf))];
  return new Map(documents.map((document, index) => [document, index + 1]));
}

/** How the candidate's answer has moved a document, for the eye and in words. */
export function describeMove(side, [place, other]) {
  if (other === undefined) {
    return side === "baseline"
      ? { kind: "gone", mark: "gone", words: "not in the candidate's answer" }
      : { kind: "new", mark: "new", words: "not in the baseline's answer" };
  }
  const [before, after] = side === "baseline" ? [place, other] : [other, place];
  if (before === after) return { kind: "same", mark: "=", words: "in the same place on both sides" };
  const kind = after < before ? "up" : "down";
  const mark = `${kind === "up" ? "↑" : "↓"} ${Math.abs(after - before)}`;
  return { kind, mark, words: `${kind} from place ${before} to ${after}` };
}
