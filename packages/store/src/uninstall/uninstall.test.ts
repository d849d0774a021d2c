import { beginAdoption, describeOnEachServer } from "@reembed/testing";
import { expect, test } from "vitest";
import { readInventory } from "./inventory.ts";
import { removeEverything } from "./uninstall.ts";

describeOnEachServer(
  "Reembed's removal from a database",
  (open) => {
    const begin = async () => {
      const begun = await beginAdoption(await open(), { ownRole: true, articles: true });
      const articles = { table: "articles", key: "slug", body: "full_text" };
      await begun.adopt({
        ...{ table: "document_chunks", id: ["id"], content: "content", embedding: "embedding" },
        ...{ document: "document_id", position: "chunk_index", documents: articles },
      });
      return { ...begun, inventory: () => readInventory(begun.database, { queueSchema: "bullmq" }) };
    };
    const ok = { select: "ok", insert: "ok", update: "ok", delete: "ok" };

    test("takes its schemas, triggers and function, and leaves every row of the application", async () => {
      const { database, inventory, query, rows } = await begin();
      const before = await query("select * from document_chunks order by id");
      const found = await inventory();
      expect(found).toMatchObject({
        schemas: ["bullmq", "reembed"],
        functions: ["reembed_profile(text)"],
        dependents: [],
        tables: [
          {
            name: "public.articles",
            triggers: ["reembed_delete", "reembed_edit", "reembed_insert", "reembed_truncate"],
          },
          { name: "public.document_chunks", columns: [] },
        ],
      });
      expect(await removeEverything(database, found)).toEqual([
        // The chunks refer to it, and are deleted with it.
        { table: "public.articles", outcome: { ...ok, insert: expect.stringMatching(/^(ok|23503)$/) } },
        { table: "public.document_chunks", outcome: ok },
      ]);
      expect(await query("select * from document_chunks order by id")).toEqual(before);
      expect(await rows("select nspname from pg_namespace where nspname in ('reembed', 'bullmq')")).toEqual([]);
      expect(await rows("select tgname from pg_trigger where tgname like 'reembed%'")).toEqual([]);
      expect(await rows("select to_regprocedure('reembed_profile(text)') as gone")).toEqual([{ gone: null }]);
    });

    test("names what of the application would be dropped with it", async () => {
      const { inventory, rows } = await begin();
      await rows(
        "create view public.answers as select reembed.reembed_profile('a') as profile, * from public.document_chunks",
      );
      await rows("create function public.ask() returns text language sql return public.reembed_profile('a')");
      await rows("create view public.vectors as select * from reembed.chunk_embeddings");
      expect((await inventory()).dependents).toEqual(["function ask()", "view answers", "view vectors"]);
    });

    test("removes nothing if a statement of the application ends otherwise without it", async () => {
      const { database, inventory, rows } = await begin();
      await rows(`
        create function public.note() returns trigger language plpgsql as $$ begin
          perform public.reembed_profile(new.document_id); return new; end $$;
        create trigger note before insert on document_chunks for each row execute function public.note()`);
      const found = await inventory();
      await expect(removeEverything(database, found)).rejects.toMatchObject({
        code: "application_affected",
        exitCode: 3,
        message: expect.stringContaining("public.document_chunks end otherwise: INSERT ends with 42883 instead of ok."),
      });
      expect(await inventory()).toEqual({ ...found, bytes: expect.any(Number) });
    });
  },
  ["PostgreSQL"],
);
