import type { CatalogueColumn, VectorTable } from "@reembed/store/discovery";
import type { ProposedSource } from "./proposal.ts";
import { isOfKind } from "./recognise.ts";

/** What keeps a table from being adopted, and what to do about it. */
export interface Obstacle {
  what: string;
  remedy: string;
}

/** Everything that is in the way, as far as the catalogue tells. */
export function findObstacles(table: VectorTable, source: ProposedSource): Obstacle[] {
  if (table.kind !== "table") {
    return [
      {
        what: `It is a ${table.kind}, and only tables can have the triggers that record changes.`,
        remedy: "Adopt the table that its rows come from.",
      },
    ];
  }
  return [...rightsObstacles(table), ...idObstacles(table, source), ...textObstacles(table, source)];
}

function rightsObstacles({ name, missingRights, filtered }: VectorTable): Obstacle[] {
  const obstacles: Obstacle[] = [];
  if (missingRights.length > 0) {
    const rights = missingRights.join(", ");
    obstacles.push({
      what: `This role lacks ${rights} on it.`,
      remedy: `GRANT ${rights} ON ${name} TO the role in DATABASE_URL.`,
    });
  }
  if (filtered) {
    obstacles.push({
      what: "Row security hides rows of it from this role.",
      remedy: "Use a role in DATABASE_URL with BYPASSRLS, or the table's owner.",
    });
  }
  return obstacles;
}

function idObstacles({ name, columns, keys }: VectorTable, { id }: ProposedSource): Obstacle[] {
  if (id.length === 0) {
    return [
      {
        what: "It has no unique index on columns that are never null, by which single rows are found.",
        remedy: `ALTER TABLE ${name} ADD PRIMARY KEY (…), or name such columns with --id.`,
      },
    ];
  }
  const list = id.join(", ");
  const nullable = columns.filter((column) => id.includes(column.name) && !column.notNull);
  const obstacles = nullable.map((column) => ({
    what: `Its column ${column.name} may be null, but every chunk needs an id.`,
    remedy: `ALTER TABLE ${name} ALTER COLUMN "${column.name}" SET NOT NULL;`,
  }));
  if (!keys.some((names) => names.length === id.length && names.every((key) => id.includes(key)))) {
    obstacles.push({
      what: `It has no unique index on ${list}, by which single rows are found.`,
      remedy: `CREATE UNIQUE INDEX CONCURRENTLY ON ${name} (${list});`,
    });
  }
  return obstacles;
}

function textObstacles({ columns }: VectorTable, { content, id }: ProposedSource): Obstacle[] {
  if (content !== undefined) return [];
  const texts = columns.filter((column) => isOfKind(column, "text") && !id.includes(column.name));
  if (texts.length > 0) {
    return [
      {
        what: "Which column has the text that was embedded cannot be told from their names.",
        remedy: `Say it with --content: ${texts.map(({ name }) => name).join(", ")}.`,
      },
    ];
  }
  const encrypted: CatalogueColumn | undefined = columns.find((column) => isOfKind(column, "bytes"));
  return [
    encrypted === undefined
      ? {
          what: "It has no column with the text that was embedded.",
          remedy: "Add one and fill it from where the text is, or name an expression with --content.",
        }
      : {
          what: `It has no column of text; ${encrypted.name} is bytea, which may be encrypted.`,
          remedy: "Reembed embeds what it can read: store the text unencrypted before you adopt the table.",
        },
  ];
}
