import { EmbedQueue } from "@reembed/queue";
import { ensureRollout } from "@reembed/store/rollout";
import { adoptedProfile, beginAdoption, describeOnEachServer, followingProfile } from "@reembed/testing";
import { expect, test } from "vitest";
import { uninstall } from "./uninstall.ts";

/** A queue in the database goes with its tables. */
describeOnEachServer(
  "an uninstallation",
  (open) => {
    test("empties the queues only after the database has let everything go", async () => {
      const servers = await open();
      const { database, adopt, rows } = await beginAdoption(servers, { ownRole: true });
      await adopt();
      await ensureRollout(database, { baseline: adoptedProfile.name, candidate: followingProfile.name });
      await using queue = new EmbedQueue(servers.queue, adoptedProfile.name, () => {});
      await queue.enqueue([{ profile: adoptedProfile.name, kind: "changes", chunkIds: [1] }]);
      await rows(`
      create function public.note() returns trigger language plpgsql as $$ begin
        perform public.reembed_profile(new.document_id); return new; end $$;
      create trigger note before insert on document_chunks for each row execute function public.note()`);
      const remove = () => uninstall({ database, queue: servers.queue }, { overrule: {}, confirm: async () => true });
      await expect(remove()).rejects.toMatchObject({ code: "application_affected" });
      expect(await queue.counts()).toMatchObject({ waiting: 1 });
      await rows("drop trigger note on document_chunks");
      expect(await remove()).toMatchObject({ proven: [{ table: "public.document_chunks" }] });
      expect(await queue.counts()).toMatchObject({ waiting: 0 });
    });
  },
  ["PostgreSQL and Redis"],
);
