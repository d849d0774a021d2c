import { expect, test } from "vitest";
import { inSchema } from "./installation.ts";

const rewritten: [name: string, statement: string, expected: string][] = [
  ["a table", "select reembed.chunks.id from reembed.chunks", 'select "s".chunks.id from "s".chunks'],
  ["a quoted name", 'update "reembed"."profiles" set x = 1', 'update "s"."profiles" set x = 1'],
  ["a partition", 'from reembed."chunks_500-40" c', 'from "s"."chunks_500-40" c'],
  ["the schema", 'CREATE SCHEMA IF NOT EXISTS "reembed"', 'CREATE SCHEMA IF NOT EXISTS "s"'],
  ["its removal", "drop schema if exists reembed cascade", 'drop schema if exists "s" cascade'],
  ["a relation in a literal", "to_regclass('reembed.\"a-b\"')", "to_regclass('s.\"a-b\"')"],
  ["the schema in a literal", "to_regnamespace('reembed') or 'reembed'::name", "to_regnamespace('s') or 's'::name"],
  ["a cast literal", "= 'reembed.chunks'::regclass", "= 's.chunks'::regclass"],
  [
    "a function of a migration",
    "AS $$ BEGIN PERFORM reembed.f(format($sql$ select 'a' from reembed.x $sql$)); END $$;",
    'AS $$ BEGIN PERFORM "s".f(format($sql$ select \'a\' from "s".x $sql$)); END $$;',
  ],
  [
    "what follows a literal",
    "where (site = $$it's$$) and reembed.x = 'a'",
    "where (site = $$it's$$) and \"s\".x = 'a'",
  ],
  ["a piece that is stored", '$stored$reembed."chunks_a"$stored$', '$stored$"s"."chunks_a"$stored$'],
  ["a trigger", "create trigger reembed_edit after update on t", "create trigger s_edit after update on t"],
  [
    "a function's body, with an apostrophe in a comment",
    "as $reembed$ begin -- the log's\n insert into reembed.change_log values ('it''s'); end $reembed$",
    "as $reembed$ begin -- the log's\n insert into \"s\".change_log values ('it''s'); end $reembed$",
  ],
  [
    "the function in public",
    "to_regprocedure('public.reembed_profile(text)'); create function public.reembed_profile(a text)",
    "to_regprocedure('public.s_profile(text)'); create function public.s_profile(a text)",
  ],
  ["the function in the schema", "reembed.reembed_profile('a')", "\"s\".reembed_profile('a')"],
  ["a lock", "pg_advisory_xact_lock_shared(1667785070)", "pg_advisory_xact_lock_shared(1667785070, hashtext('s'))"],
];

test.for(rewritten)("a statement for another schema names it instead of reembed: %s", ([, statement, expected]) => {
  expect(inSchema(statement, "s")).toBe(expected);
  expect(inSchema(inSchema(statement, "reembed_s"), "reembed_s")).toBe(inSchema(statement, "reembed_s"));
});

const kept: [name: string, statement: string][] = [
  ["a literal", "where site = 'reembed' or site = 'reembed.dev' or site = E'it\\'s reembed.dev'"],
  ["a literal with a quote", "where site = 'it''s reembed.dev'"],
  ["a literal between dollars", "where site = $x$it's reembed.dev$x$ or site = $$it's reembed.dev$$ or site = 'b'"],
  ["a comment", "select 1 /* of reembed.chunks */ -- reembed.chunks"],
  ["a column", 'select t.reembed.a, "reembed", "of reembed.a", reembed_new_embedding from public.reembed_insertions'],
  ["a function of an application", "AS $function$ select 'it''s' from reembed.x $function$"],
  ["a function with a marker in its body", "AS $functionx$ $function$ reembed.x $functionx$"],
  ["another lock", "pg_advisory_xact_lock(42)"],
  ["an installation's own name", 'from reembed_s.chunks, "reembed_s"."chunks", other.reembed.x'],
  ["the mark of an exposure", "comment on schema a is 'Made by `reembed expose` for b'"],
];

test.for(kept)("a statement for another schema keeps %s", ([, statement]) => {
  expect(inSchema(statement, "s")).toBe(statement);
});
