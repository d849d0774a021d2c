import { ReembedError } from "@reembed/core";
import { describeIncomplete } from "@reembed/migration/backfill";
import { describeOpenTask } from "@reembed/migration/tasks";
import { defaultVerification, describeNoWorker, requestVerification } from "@reembed/migration/verify";
import { findProfile } from "../page/find-profile.ts";
import type { SteeringContext, Step } from "./step.ts";

/** Having a profile verified by one of its workers, as much as `reembed verify` does without options. */
export async function verifyStep({ database, readConfig }: SteeringContext, name: string): Promise<Step> {
  const profile = await findProfile(database, name);
  if ((await readConfig()).databaseUrl === undefined) throw embedded();
  const objections = [
    describeIncomplete(profile),
    await describeOpenTask(database),
    await describeNoWorker(database, profile),
  ];
  return {
    title: `Verify ${name}`,
    effects: [
      `A worker of ${name} reads every text and vector, and embeds ${defaultVerification.sample} texts again, on its own device. That takes minutes to hours, beside its batches, and the overview shows how far it is.`,
      "To embed more texts again, or on another device, run reembed verify.",
    ],
    objections: objections.filter((objection) => objection !== undefined),
    seen: "",
    fields: false,
    run: async (_, decision) => {
      await requestVerification(database, profile, decision);
      return "/";
    },
  };
}

function embedded(): ReembedError {
  return new ReembedError("verification_embedded", "The embedded database belongs to one command at a time.", {
    exitCode: 3,
    remedy: "Stop this one, and run `reembed verify`.",
  });
}
