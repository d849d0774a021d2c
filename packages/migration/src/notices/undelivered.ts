import { formatCount } from "@reembed/core";
import type { Undelivered } from "@reembed/store/notices";

/** What did not reach the webhook, a sentence each: what is tried again, and what was given up. */
export function describeUndelivered({ failing, givenUp, error, lost }: Undelivered): string[] {
  const notices = (count: number) => (count === 1 ? "1 notice" : `${formatCount(count)} notices`);
  return [
    ...(failing === 0
      ? []
      : [`The receiver of WEBHOOK_URL does not take ${notices(failing)}, to be tried again for three days: ${error}.`]),
    ...(givenUp === 0
      ? []
      : [
          `${notices(givenUp)} for WEBHOOK_URL ${givenUp === 1 ? "was" : "were"} given up after three days of failures${lost === null ? "." : `, the last one: ${lost}`}`,
        ]),
  ];
}
