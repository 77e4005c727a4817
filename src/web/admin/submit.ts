/** The cycle of a form: do it and move on, or show it again with what is wrong. */
import {
  DomainError,
  type ErrorCode,
  type FieldProblem,
  isDomainError,
} from '../../domain/errors.ts';

/** What becomes of a form. */
export interface SubmitSteps {
  /** Makes the change, then redirects or shows what came of it. */
  change(): Promise<void>;
  /** Shows the form again with status 422, the values kept. */
  again(problems: FieldProblem[]): Promise<void>;
  /** The record has changed since it was read; left out: as any other error. */
  stale?(current: unknown): Promise<void>;
}

/** Errors that whoever filled in the form can mend there. */
const MENDABLE: ReadonlySet<ErrorCode> = new Set([
  'validation_failed',
  'conflict',
  'in_use',
  'last_owner',
  'no_mail_address',
  'not_retryable',
  'too_many_attempts',
]);

/** Makes a change that a form asks for. Throws what its reader cannot mend in the form. */
export async function submit({ change, again, stale }: SubmitSteps): Promise<void> {
  try {
    await change();
  } catch (error) {
    if (!isDomainError(error)) throw error;
    if (error.code === 'version_conflict' && stale !== undefined) return stale(error.current);
    if (!MENDABLE.has(error.code)) throw error;
    const whole: FieldProblem = { field: '', code: error.code, message: error.message };
    await again(error.problems.length > 0 ? error.problems : [whole]);
  }
}

/** The version that a form was made from. Throws `version_required`. */
export function versionOf(form: URLSearchParams): number {
  const version = Number(form.get('version') ?? '');
  if (!Number.isSafeInteger(version) || version < 1) throw new DomainError('version_required');
  return version;
}
