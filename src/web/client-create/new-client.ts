/** What all ways to a new client share: a form is read, judged by the domain, and becomes a client. */
import type { NewClient } from '../../domain/clients/client-input.ts';
import { createClient } from '../../domain/clients/manage-clients.ts';
import { DomainError, type FieldProblem, isDomainError } from '../../domain/errors.ts';
import type { ConsoleCall } from '../admin/route.ts';
import { type ReadForm, readNew, type SectionName } from '../forms/client-form.ts';
import { formProblems } from '../forms/form-problems.ts';
import { readPassword } from '../forms/password-choice.ts';
import { readContext } from '../forms/read-context.ts';

/** Path of the page that offers every way to a new client. */
export const NEW_CLIENT = '/admin/clients/new';

/** The sections of a new client, the required fields first. */
export const NEW_SECTIONS = [
  'who',
  'when',
  'where',
  'limits',
  'access',
  'tokens',
  'status',
] as const;

/** Reads sections of a form, without its password. */
export async function readSections(
  call: ConsoleCall,
  sections: readonly SectionName[],
  form: URLSearchParams,
): Promise<ReadForm<Partial<NewClient>>> {
  return readNew(sections, form, await readContext(call, form));
}

/** Reads a whole form, its password included. */
export async function readWhole(
  call: ConsoleCall,
  form: URLSearchParams,
): Promise<ReadForm<Partial<NewClient>>> {
  const { input, problems } = await readSections(call, NEW_SECTIONS, form);
  const password = readPassword(form, call.t);
  return {
    input: { ...input, ...password.input },
    problems: [...problems, ...password.problems],
  };
}

/** Names for a client that has none yet, so that the rest of it can be judged. */
const NAMELESS = { clientName: 'not-named-yet', displayName: '\u2026', note: '\u2026' } as const;

/** What the domain says of a new client, such as a name that is taken; nothing is stored. */
export async function judge(
  { services, actor, t }: ConsoleCall,
  input: Partial<NewClient>,
): Promise<FieldProblem[]> {
  const { password: _, ...settings } = input;
  try {
    await createClient(services, actor, { ...NAMELESS, ...settings }, { dryRun: true });
    return [];
  } catch (error) {
    return formProblems(problemsOf(error), input, t);
  }
}

/** What was made: the client, and the secret that was generated, if it was. */
export type Created = Awaited<ReturnType<typeof createClient>>;

/**
 * Makes the client.
 *
 * @throws DomainError `validation_failed` or `conflict`, its problems those of the form; `overloaded`
 */
export async function create(
  { services, actor, t }: ConsoleCall,
  { input, problems }: ReadForm<Partial<NewClient>>,
): Promise<Created> {
  if (problems.length > 0) throw new DomainError('validation_failed', { problems });
  try {
    // The form was read as a whole: what is required is there.
    return await createClient(services, actor, input as NewClient);
  } catch (error) {
    const told = formProblems(problemsOf(error), input, t);
    throw new DomainError('validation_failed', { problems: told, cause: error });
  }
}

/** The problems that an error tells of. Throws the error where it tells of none. */
function problemsOf(error: unknown): FieldProblem[] {
  if (isDomainError(error) && error.problems.length > 0) return error.problems;
  throw error;
}
