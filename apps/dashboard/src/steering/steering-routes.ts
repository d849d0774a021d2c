import { ReembedError } from "@reembed/core";
import { listSettings } from "@reembed/migration/settings";
import { environmentName, guardrailName } from "@reembed/store/rollout";
import express, { type Request, type Router } from "express";
import { z } from "zod";
import type { Access } from "../access/access.ts";
import { redirectTo, sendPage } from "../page/layout.ts";
import { parse } from "../page/parse.ts";
import { Problem } from "../page/problem.ts";
import { backfillStep } from "./backfill-step.ts";
import { boundStep } from "./bound-step.ts";
import { renderBounds } from "./render-bounds.ts";
import { renderStep } from "./render-step.ts";
import { rolloutStep } from "./rollout-step.ts";
import type { SteeringContext, Step } from "./step.ts";

const name = z
  .string()
  .trim()
  .min(1, "must say who you are")
  .max(100)
  .refine((by) => by !== guardrailName && by !== environmentName, "must be the name of a person");
const DecisionForm = z.looseObject({
  by: name,
  reason: z.string().trim().min(1, "must say why").max(1_000),
  /** What the page showed when its button was pressed. */
  seen: z.string().max(1_000),
});

/**
 * `/steer/…`: each step has a page that shows what will be done, and whose button does it. The page is refused if what it
 * shows has changed since.
 */
export function steeringRoutes(context: SteeringContext, access: Access, changed: () => void): Router {
  const router = express.Router();
  const serve = (path: string, find: (request: Request) => Promise<Step>) => {
    router.get(path, async (request, response) => {
      const { role } = response.locals;
      if (role !== "admin") throw new Problem(403, "A viewer may read everything, but change nothing.");
      const step = await answering(() => find(request));
      sendPage(response, {
        title: step.title,
        role,
        canLogOut: access.guarded,
        main: renderStep(step, request.originalUrl),
      });
    });
    router.post(path, express.urlencoded({ extended: false }), async (request, response) => {
      const { by, reason, seen, ...form } = parse(DecisionForm, request.body ?? {});
      await answering(async () => {
        const step = await find(request);
        refuseOther(step, seen);
        await step.run(form, { by, reason });
      });
      changed();
      redirectTo(response, "/");
    });
  };
  const param = ({ params }: Request, key: string) => String(params[key]);
  router.get("/bounds", async (_, response) => {
    const { role } = response.locals;
    const main = renderBounds(await listSettings(context.database, context.given), role);
    sendPage(response, { title: "Bounds", role, canLogOut: access.guarded, main });
  });
  serve("/bounds/:name", (request) => boundStep(context, param(request, "name")));
  serve("/rollout/:action", (request) => rolloutStep(context, param(request, "action")));
  serve("/backfill/:profile/:action", (request) =>
    backfillStep(context, { profile: param(request, "profile"), action: param(request, "action") }),
  );
  return router;
}

function refuseOther({ seen: present, title }: Step, seen: string): void {
  if (present === seen || present === "") return;
  throw new Problem(
    409,
    `${title}: this was decided when it was ${seen}. Meanwhile somebody has changed that: it is ${present}. Look at the overview and decide again.`,
  );
}

/** What a guard refuses is an answer with its own words. */
async function answering<Value>(work: () => Promise<Value>): Promise<Value> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof ReembedError) || error.exitCode === undefined || error.exitCode === 1) throw error;
    throw new Problem(error.exitCode === 2 ? 400 : 409, `${error.message} ${error.remedy ?? ""}`.trim());
  }
}
