import { type Model, messageOf, ReembedError } from "@reembed/core";
import { wantedWeights } from "../models/weight-kinds.ts";

/** What of a model says which files it has. */
export type HubModel = Pick<Model, "id" | "revision" | "bundled">;

/** The repository that a model is pulled from. */
export interface ModelSource {
  model: HubModel;
  /** `endpoint` has no trailing slash. */
  hub: { endpoint: string; token: string | undefined };
  signal: AbortSignal | undefined;
}

/** A failure that may be temporary, of the network or of the hub. */
export class TransientHubError extends ReembedError {}

/**
 * Requests one address of the hub and follows redirects.
 * @returns A response with status 2xx, or 416 for a request with a range.
 * @throws ReembedError `model_forbidden`, `model_unknown` or `hub_failed`; TransientHubError `hub_unreachable` or
 * `hub_failed`.
 */
export async function requestHub(
  source: ModelSource,
  url: string,
  headers: Record<string, string> = {},
): Promise<Response> {
  const { hub, signal } = source;
  // A mirror's listing may continue on another host, which must not get the token. fetch itself drops it on redirects.
  const trusted = hub.token !== undefined && new URL(url).origin === new URL(hub.endpoint).origin;
  const authorization = trusted ? { authorization: `Bearer ${hub.token}` } : {};
  const init = { headers: { ...headers, ...authorization }, signal: signal ?? null };
  const response = await fetch(url, init).catch((cause: unknown) => {
    throw unreachable(source, cause);
  });
  if (response.ok || response.status === 416) return response;
  await response.body?.cancel();
  throw refusal(source, url, response.status);
}

export function unreachable({ hub, model }: ModelSource, cause: unknown): TransientHubError {
  // "fetch failed" says nothing; the cause says what failed.
  const reason = messageOf(cause instanceof Error && cause.cause !== undefined ? cause.cause : cause);
  return new TransientHubError("hub_unreachable", `No usable answer came from ${hub.endpoint}: ${reason}`, {
    cause,
    remedy:
      "Set HF_ENDPOINT to a mirror of the hub, or HTTPS_PROXY and NODE_USE_ENV_PROXY=1 behind a proxy, or copy the " +
      `files by hand: config.json, tokenizer.json, and one of ${wantedWeights}, of ${model.id} into ` +
      `MODELS_DIR/${model.id}/.`,
  });
}

function refusal({ hub, model }: ModelSource, url: string, status: number): ReembedError {
  const { pathname } = new URL(url);
  const terms = `If the model is gated, accept its terms at ${hub.endpoint}/${model.id}.`;
  if (status === 401 || status === 403) {
    return new ReembedError("model_forbidden", `${hub.endpoint} refused access to ${model.id} (${status}).`, {
      remedy:
        hub.token === undefined
          ? // Without a token, the hub answers 401 and not 404 for a repository that does not exist.
            `Check that the repository exists, and set HF_TOKEN to a token that may read it. ${terms}`
          : `HF_TOKEN is set, but it is invalid or may not read the repository. ${terms}`,
    });
  }
  if (status === 404) {
    const message = `${hub.endpoint} has no ${model.id} at revision ${model.revision} (404 for ${pathname}).`;
    return new ReembedError("model_unknown", message, {
      remedy: "If HF_ENDPOINT is a mirror, try another one: it may not have this model.",
    });
  }
  const message = `${hub.endpoint} answered ${status} for ${pathname}.`;
  const mayPass = status >= 500 || status === 429 || status === 408;
  if (!mayPass) return new ReembedError("hub_failed", message, { remedy: "Check HF_ENDPOINT." });
  return new TransientHubError("hub_failed", message, {
    remedy: "Pull again later; the files that have arrived are kept.",
  });
}
