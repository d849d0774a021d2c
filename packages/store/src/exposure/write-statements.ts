import pg from "pg";
import { quoted } from "../database/quoted.ts";
import { embeddingsPartition } from "../schema/relations.ts";
import { rowToChunk } from "./row-to-chunk.ts";
import type { ExposedColumn } from "./table-facts.ts";
import { type Exposed, exposedView } from "./view-statements.ts";

/**
 * What a write to the view does. PostgreSQL fires INSTEAD OF triggers in the order of their names: the first one writes the
 * table with the rights of whoever asks, and the second one stores the vector of a new row with ours. Nobody else may use
 * the second one, because it writes to our tables.
 */
export function writeStatements(exposed: Exposed): string[] {
  const { schema } = exposed;
  const view = exposedView(exposed);
  return [
    `create function ${schema}.write_row() returns trigger language plpgsql as $reembed$
    begin
      if tg_op = 'INSERT' then
        ${insertion(exposed)}
        return new;
      elsif tg_op = 'UPDATE' then
        ${update(exposed)}
      end if;
      ${deletion(exposed)}
    end $reembed$`,
    `create function ${schema}.keep_vector() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '100ms' as $reembed$
    ${keeping(exposed)} $reembed$`,
    `revoke execute on function ${schema}.keep_vector() from public`,
    `create trigger a_write_row instead of insert or update or delete on ${view}
     for each row execute function ${schema}.write_row()`,
    `create trigger b_keep_vector instead of insert on ${view}
     for each row execute function ${schema}.keep_vector()`,
  ];
}

/**
 * The table's own vector column belongs to the other model: it gets its default or null, or zeros where it must have a
 * value, which no search by cosine finds. PostgreSQL numbers the rows of an identity column that got no value.
 */
function insertion({ profile, table, baselineDimensions }: Exposed): string {
  const written = ownColumns(table.columns, table.vector).filter(({ generated }) => !generated);
  const numbered = written.find(({ identity }) => identity !== null);
  const { vector, vectorSchema, length } = table;
  const mustHaveVector = vector.notNull && vector.default === null;
  const zeros = `array_fill(0::real, array[${length ?? baselineDimensions}])::${vectorSchema}.vector`;
  // Whether a statement has OVERRIDING SYSTEM VALUE, a trigger is not told: a number that is given is taken.
  const insert = (columns: readonly ExposedColumn[]) => {
    const names = columns.map(({ name }) => quoted(name));
    const values = names.map((name) => `new.${name}`);
    const returned = ownColumns(table.columns, vector).map(({ name }) => quoted(name));
    return `insert into ${profile.source.table}
        (${[...names, ...(mustHaveVector ? [quoted(vector.name)] : [])].join(", ")})
        overriding system value values (${[...values, ...(mustHaveVector ? [zeros] : [])].join(", ")})
        returning ${returned.join(", ")} into ${returned.map((name) => `new.${name}`).join(", ")};`;
  };
  if (numbered === undefined) return insert(written);
  return `if new.${quoted(numbered.name)} is null then
          ${insert(written.filter((column) => column !== numbered))}
        else
          ${insert(written)}
        end if;`;
}

/**
 * Only columns that have changed are written. A plain UPDATE would compute `views + 1` from the row that it locks; here it was
 * computed from the row that was read. So if somebody has changed the same column since, this fails like an UPDATE at
 * REPEATABLE READ, and nothing is lost.
 */
function update({ profile, table }: Exposed): string {
  const changeable = ownColumns(table.columns, table.vector).filter(
    ({ generated, identity }) => !generated && identity !== "always",
  );
  const changed = (name: string) => `old.${name}::text is distinct from new.${name}::text`;
  const names = changeable.map(({ name }) => quoted(name));
  const sets = names.map((name) => `${name} = case when ${changed(name)} then new.${name} else t.${name} end`);
  const asRead = names.map(
    (name) => `(not ${changed(name)} or t.${name}::text is not distinct from old.${name}::text)`,
  );
  const fixed = table.columns.filter(({ identity }) => identity === "always").map(({ name }) => quoted(name));
  const row = rowCondition(profile.source);
  return `${fixed
    .map(
      (name) => `if ${changed(name)} then
          raise exception 'column ${name.replaceAll("'", "''").replaceAll("%", "%%")} can only be updated to DEFAULT' using errcode = '428C9';
        end if;`,
    )
    .join("\n")}
        update ${profile.source.table} t set ${sets.join(", ")} where ${row} and ${asRead.join(" and ")};
        if found then return new; end if;
        perform from ${profile.source.table} t where ${row};
        if found then
          raise exception 'could not serialize access due to concurrent update' using errcode = '40001',
            hint = 'Another transaction has changed the same columns of this row. Repeat the statement.';
        end if;
        return null;`;
}

function deletion({ profile }: Exposed): string {
  return `delete from ${profile.source.table} t where ${rowCondition(profile.source)};
      if found then return old; end if;
      return null;`;
}

/**
 * Stores the vector that came with a new row, if it has this profile's length, by the hash of the row's text. The row's own
 * trigger has logged it in the same transaction, so a worker looks at it in any case and finds that it is embedded. Only new
 * rows: a vector that exists would stay locked until the application's transaction ends, and workers would wait for that.
 * Whatever goes wrong here, the row is written and a worker embeds it.
 */
function keeping({ profile, table, vectors }: Exposed): string {
  const { chunkId, numbering } = rowToChunk(profile.source, profile);
  const { vectorSchema: of } = table;
  const given = `new.${quoted(table.vector.name)}`;
  const own =
    vectors.length === profile.dimensions
      ? `${given}::${of}.halfvec`
      : `${of}.subvector(${given}::${of}.halfvec, 1, ${profile.dimensions})`;
  return `declare
      given ${of}.halfvec;
    begin
      if ${given} is null or ${of}.vector_dims(${given}) <> ${vectors.length} then return new; end if;
      given := ${own};
      if ${of}.l2_norm(given) = 0 then return new; end if;
      ${numbering?.("new") ?? ""}
      insert into ${embeddingsPartition(profile.name)}
        (profile, chunk_id, content_hash, embedding, token_count, truncated_tokens, model_revision)
      select ${pg.escapeLiteral(profile.name)}, c.id, sha256(convert_to(c.content, 'UTF8')), ${of}.l2_normalize(given), null, null,
        ${pg.escapeLiteral(profile.revision)}
      from ${profile.relation} c
      where c.id = ${chunkId("new")} and c.content ~ '\\S'
      on conflict do nothing;
      return new;
    exception when others then
      return new;
    end`;
}

function ownColumns(columns: readonly ExposedColumn[], vector: ExposedColumn): ExposedColumn[] {
  return columns.filter(({ name }) => name !== vector.name);
}

function rowCondition({ id }: Exposed["profile"]["source"]): string {
  return id.map((column) => `t.${column} = old.${column}`).join(" and ");
}
