import { ReembedError } from "../failures/errors.ts";

/** The id of the model of vectors that were adopted as they are, because nobody knows which model made them. */
const unknownModelId = "as-is";

/** Whether nobody can embed with a model, so that a profile has only the vectors that are there. */
export function isUnknownModel(id: string): boolean {
  return id === unknownModelId;
}

/** @throws ReembedError `model_as_is` (exit code 3) if no text can be embedded for a profile. */
export function requireKnownModel({ name, model }: { name: string; model: string }): void {
  if (!isUnknownModel(model)) return;
  throw new ReembedError(
    "model_as_is",
    `The vectors of ${name} were adopted as they are, without a model: no text and no query can be embedded for it.`,
    {
      exitCode: 3,
      remedy: "Search it by SQL, in the application. Everything else needs a profile of the model that made them.",
    },
  );
}
