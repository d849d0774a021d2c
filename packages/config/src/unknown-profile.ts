import { ReembedError } from "@reembed/core";
import { distance } from "fastest-levenshtein";

/** The error for a profile that there is not, with the names that come closest to it. */
export function unknownProfile(name: string, known: Iterable<string>): ReembedError {
  const near = closestNames(name, known);
  const list = "`reembed profile list` lists all profiles, and `reembed profile add` adds one.";
  return new ReembedError("profile_unknown", `There is no profile ${name}.`, {
    exitCode: 2,
    remedy: near.length === 0 ? list : `Did you mean ${near.join(" or ")}? ${list}`,
  });
}

/** Three at most: those that begin with the name, or differ from it in a third of their letters or fewer. */
function closestNames(name: string, known: Iterable<string>): string[] {
  const rated = [...new Set(known)].map((candidate) => ({
    candidate,
    far: candidate.startsWith(name) ? 0 : distance(name, candidate) / candidate.length,
  }));
  const near = rated.filter(({ far }) => far <= 1 / 3).sort((a, b) => a.far - b.far);
  return near.slice(0, 3).map(({ candidate }) => candidate);
}
