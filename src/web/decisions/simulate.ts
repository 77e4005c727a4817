/** The simulator: would this call pass? Spends nothing, and its whole state is the URL. */
import { GRANT_TYPES } from '../../domain/clients/client.ts';
import { simulate } from '../../domain/decision/simulate.ts';
import { suppositionInput, toSupposition } from '../../domain/decision/supposition.ts';
import type { FieldProblem } from '../../domain/errors.ts';
import { invalidField, isDomainError } from '../../domain/errors.ts';
import { parse } from '../../domain/validation.ts';
import type { ConsoleCall, ConsoleRoute } from '../admin/route.ts';
import { instantFrom, localText } from '../forms/local-times.ts';
import { outcomeChip, outcomeSentence, traceRows } from './trace.ts';

export const simulateRoutes: ConsoleRoute[] = [
  { method: 'GET', path: '/admin/decisions/simulate', role: 'viewer', handler: showSimulator },
];

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'];
const FIELDS = ['clientId', 'userId', 'address', 'method', 'path', 'at', 'place', 'grantType'];

async function showSimulator(call: ConsoleCall): Promise<void> {
  const { query } = call;
  const values = Object.fromEntries(FIELDS.map((name) => [name, query.get(name)?.trim() ?? '']));
  if (query.size === 0) return show(call, values, { problems: [], result: null });
  try {
    await show(call, values, { problems: [], result: await resultOf(call, values) });
  } catch (error) {
    if (!isDomainError(error)) throw error;
    if (error.code === 'not_found') {
      const problem = { field: 'clientId', code: 'unknown', message: error.message };
      return show(call, values, { problems: [problem], result: null });
    }
    if (error.problems.length === 0) throw error;
    await show(call, values, { problems: error.problems, result: null });
  }
}

async function resultOf(call: ConsoleCall, values: Record<string, string>) {
  const { services } = call;
  const asked = { ...values, at: momentOf(call, values['at'] ?? '') };
  const given = Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== ''));
  const supposed = toSupposition(services, parse(suppositionInput, given));
  await services.directory.sync();
  const { reason, trace } = await simulate(services, supposed);
  const clientId = 'clientId' in supposed.subject ? supposed.subject.clientId : null;
  return {
    outcome: outcomeChip(call, reason),
    sentence: outcomeSentence(call, reason),
    trace: traceRows(call, trace, clientId),
  };
}

/** The moment as the domain reads it; a link may hold one with an offset. Throws `validation_failed`. */
function momentOf({ formats, t }: ConsoleCall, typed: string): string {
  if (typed === '' || isWithOffset(typed)) return typed;
  const zone = formats.timeZone;
  const at = instantFrom(typed, zone);
  if (typeof at !== 'string') return at.toISOString();
  throw invalidField('at', at, t(`client-form.problem.${at}`, { zone, time: typed }));
}

function isWithOffset(text: string): boolean {
  return /(?:Z|[+-]\d\d:\d\d)$/.test(text) && !Number.isNaN(Date.parse(text));
}

interface Shown {
  problems: FieldProblem[];
  result: Awaited<ReturnType<typeof resultOf>> | null;
}

async function show(
  call: ConsoleCall,
  values: Record<string, string>,
  { problems, result }: Shown,
): Promise<void> {
  const { t, formats } = call;
  const { at = '', method = '' } = values;
  const moment = isWithOffset(at) ? localText(new Date(at), formats.timeZone) : at;
  const methods = [...new Set([...METHODS, ...(method === '' ? [] : [method])])];
  await call.show(
    'admin/decisions/simulate',
    {
      form: {
        values: { ...values, at: moment },
        errors: Object.fromEntries(problems.map(({ field, message }) => [field, message])),
      },
      problems,
      places: ['call', 'token', 'introspection'].map((value) => ({
        value,
        label: t(`decision.place.${value}`),
      })),
      methods: [
        { value: '', label: t('decision.no_method') },
        ...methods.map((value) => ({ value, label: value })),
      ],
      zone: formats.timeZone,
      grantTypes: [
        { value: '', label: t('decision.default_grant') },
        ...GRANT_TYPES.map((value) => ({ value, label: value })),
      ],
      result,
    },
    {
      title: t('decision.simulate'),
      section: 'decisions',
      status: problems.length > 0 ? 422 : 200,
    },
  );
}
