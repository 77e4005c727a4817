/**
 * The table of settings as documents show it: the rows of README.md and the blocks of .env.example.
 * A test compares both files with what stands here; `node scripts/print-config.ts` prints it.
 */
import { VARIABLES, type Variable } from './config.ts';

const variables: Variable<unknown>[] = Object.values(VARIABLES);

/** The Markdown table between `config:begin` and `config:end` in README.md. */
export function renderReadmeTable(): string {
  const rows = variables.map((variable) => {
    const fallback = defaultText(variable);
    const code = fallback.computed ? fallback.text : `\`${fallback.text}\``;
    return `| \`${variable.key}\` | ${meaning(variable)} | ${code} |`;
  });
  return ['| Key | Meaning | Default |', '|---|---|---|', ...rows].join('\n');
}

/** The text of .env.example: a comment and a commented-out line for each variable. */
export function renderEnvExample(): string {
  const blocks = variables.map((variable) => {
    const { text, computed } = defaultText(variable);
    const comment = `${meaning(variable)}${computed ? ` Default: ${text}.` : ''}`;
    return `${wrap(comment)}\n#${variable.key}=${computed ? '' : text}\n`;
  });
  return [ENV_EXAMPLE_HEADER, ...blocks].join('\n');
}

const ENV_EXAMPLE_HEADER = `# Copy this file to .env, next to package.json, and uncomment what you change. Every line shows the
# default, or nothing where there is none. What the environment sets already wins over .env, and an
# empty value counts as not set. Tollgate lists every bad value at start and then does not start.
`;

function meaning({ help, unit, secret }: Variable<unknown>): string {
  return `${help}${unit === undefined ? '' : ` Unit: ${unit}.`}${secret ? ' Secret.' : ''}`;
}

function defaultText(variable: Variable<unknown>): { text: string; computed: boolean } {
  if (variable.defaultText !== undefined) return { text: variable.defaultText, computed: true };
  if (typeof variable.default === 'string') return { text: variable.default, computed: false };
  return { text: 'none', computed: true };
}

function wrap(text: string): string {
  return text.replace(/(.{1,96})(?: |$)/g, '# $1\n').trimEnd();
}
