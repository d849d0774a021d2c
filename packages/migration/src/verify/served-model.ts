import { formatCount, ReembedError } from "@reembed/core";
import { type Embedder, httpDevice } from "@reembed/embedder";
import { type Database, schemaOf } from "@reembed/store/database";
import { readFirstOwnIds, readVectors } from "@reembed/store/embeddings";
import type { RegisteredProfile } from "@reembed/store/profiles";
import { compareVectors } from "./compare-vectors.ts";

const embeddedAgain = 8;
/** Number formats of one model agree at least this well; another model, or a prompt before the text, is far below. */
const leastCosine = 0.99;

/**
 * Has a profile's embedding server embed some stored texts again, so that a profile does not get vectors of two models
 * after the server was changed. Other embedders check the files of their model.
 * @throws ReembedError `embedding_model_changed` (exit code 2) if none of them gets its stored vector.
 */
export async function requireSameServedModel(
  database: Database,
  profile: RegisteredProfile,
  embedder: Embedder,
): Promise<void> {
  if (embedder.device !== httpDevice) return;
  const vectors = await readVectors(database, profile, await readFirstOwnIds(database, profile, embeddedAgain));
  if (vectors.length === 0) return;
  const pages = (async function* () {
    yield vectors;
  })();
  const bars = { own: leastCosine, adopted: leastCosine };
  const { compared, wrong } = await compareVectors(
    embedder,
    pages,
    { bars, sampled: true, onWrong: () => {} },
    () => {},
  );
  if (wrong < compared) return;
  throw new ReembedError(
    "embedding_model_changed",
    `The embedding server has another model than the one that embedded ${profile.name}: of ` +
      `${formatCount(compared)} texts that it embedded again, none has a cosine of ${leastCosine} to its stored vector.`,
    {
      exitCode: 2,
      remedy: `Use a server with that model. To embed everything with this one, delete the vectors of ${profile.name} from ${schemaOf(database)}.chunk_embeddings first.`,
    },
  );
}
