import { defaultSchema } from "@reembed/core";
import pg from "pg";

/** The schema in which everything of this installation is: a database may have several installations beside each other. */
export function schemaOf({ $client }: { $client: pg.Pool }): string {
  return ($client as { schema?: string }).schema ?? defaultSchema;
}

/** How the comment on the schema of an exposure begins, by which it is found. */
export function exposureMarker(schema: string): string {
  return schema === defaultSchema ? "Made by `reembed expose` for " : `Made by \`reembed expose\` in ${schema} for `;
}

/** The comment on the schemas of a rehearsal: they may be removed, and are no installation. */
export const rehearsalMarker = "Made by `reembed rehearse`, which removes it";

/**
 * What stands for our schema in a statement, in the order in which it is looked for. Whatever belongs to an installation
 * without being in its schema begins with the schema's name too: triggers on an application's table, and a function.
 */
const tokens = new RegExp(
  [
    /(?<schema>\bschema\s+(?:if\s+(?:not\s+)?exists\s+)?)"?reembed"?(?![\w"])/,
    // As a literal only where it can mean nothing else.
    /(?<found>\bto_reg[a-z]+\(\s*)'(?<name>(?:[^']|'')*)'/,
    /'(?<cast>reembed(?:\.[^']*)?)'(?=::(?:regclass|name)\b)/,
    /(?<![\w.])"?reembed"?(?=\.)/,
    /(?<![\w.$])reembed_(?<trigger>insert|edit|delete|truncate|move)\b/,
    /\bpublic\.reembed_(?=profile\()/,
    // The keys of our locks are words of four letters. A second key keeps installations from waiting for each other.
    /(?<lock>\bpg_(?:try_)?advisory_xact_lock(?:_shared)?\(\d{10})\)/,
    // Everything else that is quoted stays as it is, also by dollars, as the body of an application's function is; ours are
    // quoted by tags of our own or, in migrations, by two dollars after AS or DO.
    /(?<kept>(?<![\w$])[eE]'(?:[^'\\]|''|\\[\s\S])*'|'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|\/\*[\s\S]*?\*\/|(?<tag>\$(?!(?:reembed|sql|stored|stored_too)\$)[a-z_]\w*\$|(?<!\b(?:as|do|end)\s)\$\$)[\s\S]*?\k<tag>)/,
  ]
    .map(({ source }) => source)
    .join("|"),
  "gi",
);

/**
 * A statement for another schema than `reembed`. Parameters are not part of it: a name of ours stands in the statement, as in
 * `to_regclass('reembed.profiles')`, and `'reembed'::name` is the schema's name. So does what is stored to be run by the
 * database: see `storedSql`. A text that was written for the other schema stays as it is.
 */
export function inSchema(statement: string, schema: string): string {
  return statement.replace(tokens, (token, ...rest) => {
    const groups: Record<string, string | undefined> = rest.at(-1);
    const { schema: creates, found, name, cast, trigger, lock, kept } = groups;
    if (kept !== undefined) return token;
    if (creates !== undefined) return `${creates}"${schema}"`;
    if (found !== undefined) return `${found}'${renamed(name ?? "", schema)}'`;
    if (cast !== undefined) return `'${renamed(cast, schema)}'`;
    if (trigger !== undefined) return `${schema}_${trigger}`;
    if (lock !== undefined) return `${lock}, hashtext('${schema}'))`;
    if (token.startsWith("public.")) return `public.${schema}_`;
    return `"${schema}"`;
  });
}

/** A name within a literal. */
function renamed(name: string, schema: string): string {
  return name.replace(/^reembed(?=\.|$)/, schema).replace(/^public\.reembed_(?=profile\()/, `public.${schema}_`);
}

/** How many statements are remembered: a process has some hundred, and those with a list of values in them are many. */
const most = 1_000;

/** A connection that sends statements for another schema. They are rewritten here, where no statement can get past. */
export function installationClient(schema: string, Client: typeof pg.Client = pg.Client): typeof pg.Client {
  if (schema === defaultSchema) return Client;
  const known = new Map<string, string>();
  const rewrite = (statement: string): string => {
    if (!statement.includes("reembed") && !statement.includes("advisory")) return statement;
    const before = known.get(statement);
    if (before !== undefined) return before;
    const rewritten = inSchema(statement, schema);
    if (known.size >= most) known.clear();
    known.set(statement, rewritten);
    return rewritten;
  };
  return class InstallationClient extends Client {
    readonly schema = schema;

    // biome-ignore lint/suspicious/noExplicitAny: pg declares a dozen overloads of it.
    override query(config: any, values?: any, callback?: any): any {
      const rewritten = typeof config === "string" ? rewrite(config) : { ...config, text: rewrite(config.text) };
      return super.query(rewritten, values, callback);
    }
  };
}
