import { describeIncomplete } from "@reembed/migration/backfill";
import { refuseEmbedded, requestIndexBuild } from "@reembed/migration/index";
import { describeOpenTask } from "@reembed/migration/tasks";
import { readAnnIndex } from "@reembed/store/search";
import { findProfile } from "../page/find-profile.ts";
import type { SteeringContext, Step } from "./step.ts";

/** Having a profile's index built, as `reembed index build` does without options. */
export async function indexStep({ database, readConfig }: SteeringContext, name: string): Promise<Step> {
  const profile = await findProfile(database, name);
  refuseEmbedded((await readConfig()).databaseUrl);
  const { exists, valid } = await readAnnIndex(database, profile);
  return {
    title: `Build the index of ${name}`,
    effects: [
      "A producer builds it within the database, without blocking searches or writers, and measures it then. That takes minutes to hours, and the overview shows how far it is.",
      "An index that is there already is measured again. To choose its kind or its options, run reembed index build.",
    ],
    objections: [describeIncomplete(profile), await describeOpenTask(database)].filter(
      (objection) => objection !== undefined,
    ),
    seen: exists ? (valid ? "an index is there" : "an index is there, and not valid") : "no index",
    fields: false,
    run: async (_, decision) => {
      await requestIndexBuild(database, profile, decision);
      return "/";
    },
  };
}
