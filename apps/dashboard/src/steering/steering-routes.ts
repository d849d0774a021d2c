import { adviceOf, ReembedError } from "@reembed/core";
import { listSettings } from "@reembed/migration/settings";
import express, { type Request, type Router } from "express";
import { z } from "zod";
import { identityOf, requireRole, requireToWrite } from "../access/guards.ts";
import { describeRole, type Identity, personName } from "../access/identity.ts";
import { redirectTo, sendPage } from "../page/layout.ts";
import { parse } from "../page/parse.ts";
import { Problem } from "../page/problem.ts";
import { backfillStep } from "./backfill-step.ts";
import { boundStep } from "./bound-step.ts";
import { DecisionForm } from "./decision-form.ts";
import { indexStep } from "./index-step.ts";
import { quarantineStep } from "./quarantine-step.ts";
import { renderBounds } from "./render-bounds.ts";
import { renderStep } from "./render-step.ts";
import { rolloutStep } from "./rollout-step.ts";
import type { SteeringContext, Step } from "./step.ts";
import { verifyStep } from "./verify-step.ts";

/**
 * `/steer/…`: each step has a page that shows what will be done, and whose button does it. The page is refused if what it
 * shows has changed since. To a token it is JSON.
 */
export function steeringRoutes(context: SteeringContext, changed: () => void): Router {
  const router = express.Router();
  router.use(requireToWrite("operator"));
  const serve = (path: string, find: (request: Request) => Promise<Step>) => {
    router.get(path, async (request, response) => {
      requireRole(response, "operator");
      const step = await answering(() => find(request));
      const { title, effects, objections, seen } = step;
      const identity = identityOf(response);
      if (identity.by === "token") return void response.json({ title, effects, objections, seen });
      sendPage(response, { title, main: renderStep(step, { path: request.originalUrl, identity }) });
    });
    router.post(path, express.urlencoded({ extended: false }), async (request, response) => {
      const { by, reason, seen, ...form } = parse(DecisionForm, request.body ?? {});
      const identity = identityOf(response);
      const decision = { by: whoDecides(identity, by), as: describeRole(identity), reason };
      const done = await answering(async () => {
        const step = await find(request);
        refuseOther(step, seen);
        return { title: step.title, path: await step.run(form, decision) };
      });
      changed();
      if (identity.by === "token") return void response.json({ done: done.title });
      redirectTo(response, done.path);
    });
  };
  const param = ({ params }: Request, key: string) => String(params[key]);
  router.get("/bounds", async (_, response) => {
    const main = renderBounds(await listSettings(context.database, context.given), identityOf(response).role);
    sendPage(response, { title: "Bounds", main });
  });
  serve("/bounds/:name", (request) => boundStep(context, param(request, "name")));
  serve("/rollout/:action", (request) => rolloutStep(context, param(request, "action")));
  serve("/backfill/:profile/:action", (request) =>
    backfillStep(context, { profile: param(request, "profile"), action: param(request, "action") }),
  );
  serve("/index/:profile", (request) => indexStep(context, param(request, "profile")));
  serve("/verification/:profile", (request) => verifyStep(context, param(request, "profile")));
  serve("/quarantine/:profile", (request) =>
    quarantineStep(context, { profile: param(request, "profile"), query: request.query }),
  );
  return router;
}

/** A proven name is not asked for, and no form replaces it. */
function whoDecides({ name, proven }: Identity, told: string | undefined): string {
  return proven && name !== undefined ? name : parse(z.object({ by: personName }), { by: told ?? "" }).by;
}

function refuseOther({ seen: present, title }: Step, seen: string | undefined): void {
  if (seen === undefined || present === seen || present === "") return;
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
    throw new Problem(error.exitCode === 2 ? 400 : 409, adviceOf(error));
  }
}
