/** What the fields of a form are read with: their texts, and a list of what is wrong with them. */
import { timeZoneRule } from '../../domain/clients/service-hours.ts';
import type { FieldProblem } from '../../domain/errors.ts';
import type { MessageValues, Translate } from '../messages.ts';
import { compactRows } from './form-rows.ts';

/** What reading a form depends on, beside the form. */
export interface ReadContext {
  /** In a form that edits, a blank field keeps its value; in one that creates, it gives the default. */
  mode: 'create' | 'edit';
  t: Translate;
  /** Zone of dates where the form names none. */
  timeZone: string;
  /** Whether the admin has the role security: keys and resource servers need it. Default: no. */
  security?: boolean;
  /** The kind that the client has; keeping it needs no role. */
  kind?: 'partner' | 'resource_server';
  /** Fields of limits that the client has none of: to untick the switch there wants a number. */
  unlimited?: ReadonlySet<string>;
  /** User ids by the line that names them, see `usersNamed`. Default: every line is an id. */
  users?: ReadonlyMap<string, string>;
}

/** Reads the fields of one form; nothing in a form makes it throw. */
export class FormReader {
  readonly problems: FieldProblem[] = [];
  readonly form: URLSearchParams;
  readonly context: ReadContext;
  #zone: string | null | undefined;

  constructor(form: URLSearchParams, context: ReadContext) {
    this.form = compactRows(form);
    this.context = context;
  }

  /** The trimmed text of a field; undefined where the form does not have it. */
  text(name: string): string | undefined {
    return this.form.get(name)?.trim();
  }

  /** The trimmed text of a field; undefined where it is blank. */
  filled(name: string): string | undefined {
    return this.text(name) || undefined;
  }

  /** Values that are ticked of a group; undefined where the form does not have the group. */
  ticked(name: string): string[] | undefined {
    if (!this.form.has(name)) return undefined;
    return this.form.getAll(name).filter((value) => value !== '');
  }

  /** Whether a switch is on. */
  isOn(name: string): boolean {
    return Boolean(this.form.get(name));
  }

  /** The lines of a text area, trimmed, without blank ones; undefined where the form has no such area. */
  lines(name: string): string[] | undefined {
    return this.text(name)
      ?.split(/[\r\n]+/)
      .map((line) => line.trim())
      .filter((line) => line !== '');
  }

  /** The zone of the form's dates; null where what it names is none, which is a problem. */
  get zone(): string | null {
    if (this.#zone === undefined) {
      const named = this.filled('zone') ?? this.context.timeZone;
      this.#zone = timeZoneRule.safeParse(named).success ? named : null;
      if (this.#zone === null) this.refuse('zone', 'zone', { zone: named });
    }
    return this.#zone;
  }

  /** Notes what is wrong with a field, in the words of `client-form.problem.<code>`. */
  refuse(field: string, code: string, values: MessageValues = {}): undefined {
    const message = this.context.t(`client-form.problem.${code}`, values);
    this.problems.push({ field, code, message });
  }
}
