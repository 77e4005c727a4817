/**
 * Reads the configuration once, at start: every problem is collected into one error, and what comes
 * out is typed, checked and frozen. Nothing else in the server reads the environment.
 */
import { existsSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import { loadEnvFile } from 'node:process';
import { VARIABLES, type Values, type Variable } from './config.ts';
import { BadValue } from './parse.ts';

/** Environment variables, as in `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Everything that is configured. */
export interface Config extends Values {
  /** `ISSUER`, or where the server listens; ends in `:0` when a free port is still to be picked. */
  readonly environment: 'development' | 'testing' | 'production';
  readonly issuer: string;
}

/** One variable that cannot be used as it is. */
export interface ConfigProblem {
  readonly key: string;
  /** `is not set`, or its value in words that tell no secret. */
  readonly state: string;
  /** What to do. */
  readonly fix: string;
}

/** Says everything that is wrong with the configuration, one line a problem, and how to mend it. */
export class ConfigError extends Error {
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`;
    const lines = problems.map(({ key, state, fix }) => `\n  ${key} ${state}: ${fix}`);
    super(`the configuration has ${count}${lines.join('')}`);
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

/** The process's environment, completed by the file `.env` of the working directory if it exists. */
export function readEnvironment(): Environment {
  if (existsSync('.env')) loadEnvFile('.env'); // what is set already wins
  return process.env;
}

/**
 * Parses the environment. A variable that is empty counts as not set.
 *
 * @throws ConfigError naming every problem: values that do not parse, and those that production
 *   refuses
 */
export function loadConfig(env: Environment): Config {
  const { values, problems } = parseAll(env);
  problems.push(...contradictions(values, env));
  if (values.nodeEnv === 'production') problems.push(...refusedInProduction(values, env));
  if (problems.length > 0) throw new ConfigError(problems);

  const parsed = values as Values; // no problem, so every value is there
  return deepFreeze({
    ...parsed,
    environment:
      parsed.environment ?? (parsed.nodeEnv === 'production' ? 'production' : 'development'),
    issuer: parsed.issuer ?? defaultIssuer(parsed.host, parsed.port),
  });
}

/** The issuer of a server that has none configured: http and where it listens, as one may reach it. */
export function defaultIssuer(host: string, port: number): string {
  if (host === '0.0.0.0' || host === '::') return `http://127.0.0.1:${port}`;
  return `http://${isIPv6(host) ? `[${host}]` : host}:${port}`;
}

type Name = keyof Values;
const entries = Object.entries(VARIABLES) as [Name, Variable<unknown>][];

function parseAll(env: Environment): { values: Partial<Values>; problems: ConfigProblem[] } {
  const values: Partial<Record<Name, unknown>> = {};
  const problems: ConfigProblem[] = [];
  for (const [name, variable] of entries) {
    const text = textOf(variable, env) ?? defaultOf(variable);
    try {
      values[name] = text === undefined ? undefined : variable.parse(text);
    } catch (error) {
      if (!(error instanceof BadValue)) throw error;
      problems.push(problem(name, error.message, env));
    }
  }
  return { values: values as Partial<Values>, problems };
}

function refusedInProduction(values: Partial<Values>, env: Environment): ConfigProblem[] {
  const problems = entries.flatMap(([name, variable]) => {
    const fix = name in values ? variable.refuseInProduction?.(values[name]) : undefined;
    return fix === undefined ? [] : [problem(name, fix, env)];
  });
  if (values.smtpUrl !== undefined && textOf(VARIABLES.mailFrom, env) === undefined) {
    problems.push(problem('mailFrom', 'set it to the sender that the mail server accepts', env));
  }
  return problems;
}

/** Values that are good each on its own, and not together. */
function contradictions(values: Partial<Values>, env: Environment): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const { adminApiToken, database, metricsToken, port, workers = 1 } = values;
  if (metricsToken !== undefined && metricsToken === adminApiToken) {
    problems.push(problem('metricsToken', 'use another value than that of ADMIN_API_TOKEN', env));
  }
  if (workers > 1 && database?.kind === 'sqlite' && database.path === ':memory:') {
    problems.push(problem('workers', 'use 1, because workers cannot share sqlite::memory:', env));
  }
  if (workers > 1 && port === 0) {
    const fix = 'use 1, or a fixed PORT, because each worker would pick another free one';
    problems.push(problem('workers', fix, env));
  }
  return problems;
}

function problem(name: Name, fix: string, env: Environment): ConfigProblem {
  const variable: Variable<unknown> = VARIABLES[name];
  const text = textOf(variable, env);
  const state = text === undefined ? 'is not set' : shown(variable, text);
  return { key: variable.key, state, fix };
}

function textOf(variable: Variable<unknown>, env: Environment): string | undefined {
  return env[variable.key]?.trim() || undefined;
}

function defaultOf(variable: Variable<unknown>): string | undefined {
  return typeof variable.default === 'function' ? variable.default() : variable.default;
}

/** Tells a value to eyes that may not see secrets; of a URL with a password the harmless parts. */
function shown({ secret }: Variable<unknown>, text: string): string {
  const withoutUser = text.replace(/\/\/.*@/s, '//…@');
  const harmless = /^(?:sqlite:.*|[a-z+]+:\/\/(?:[^:?]|:\d{1,5}(?=[,/?]|$))*(?=\?|$))/s;
  const part = secret === undefined ? withoutUser : harmless.exec(withoutUser)?.[0];
  if (secret === true || part === undefined)
    return `has a hidden value of ${text.length} characters`;
  return `is ${JSON.stringify(part)}`;
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !ArrayBuffer.isView(value)) {
    Object.values(value).forEach(deepFreeze);
    Object.freeze(value);
  }
  return value;
}
