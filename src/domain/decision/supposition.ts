/** A supposition as input: what is asked of the simulator, checked and completed. */
import { z } from 'zod';
import { GRANT_TYPES, MAX_COUNT } from '../clients/client.ts';
import { canonicalAddress } from '../clients/ip-binding.ts';
import { invalidField } from '../errors.ts';
import type { Services } from '../services.ts';
import { instant } from '../validation.ts';
import type { Supposition } from './simulate.ts';

const address = z
  .string()
  .refine((text) => canonicalAddress(text) !== null, 'must be an address such as 192.0.2.10');

/** A supposition as people and programs write it. */
export const suppositionInput = z.strictObject({
  clientId: z.string().max(40).optional().describe('Any token that the client would get'),
  tokenId: z.string().max(200).optional().describe('A stored access token, by its id'),
  apiKeyId: z.string().max(40).optional().describe('A stored API key, by its id'),
  userId: z.string().max(40).optional().describe('Resource owner of a token of the client'),
  scopes: z.array(z.string().max(50)).max(1000).optional().describe('Default: all it may hold'),
  place: z.enum(['token', 'introspection', 'call']).default('call'),
  grantType: z.enum(GRANT_TYPES).optional().describe('At the token endpoint'),
  callerId: z.string().max(40).optional().describe('The resource server that asks'),
  address: address.nullish().describe('Where the call comes from'),
  at: instant.optional().describe('The moment of the call; default now'),
  method: z
    .string()
    .regex(/^[A-Za-z]{1,20}$/)
    .optional(),
  path: z.string().max(8000).regex(/^\//, 'must start with /').optional(),
  weight: z.int().min(1).max(MAX_COUNT).default(1),
});

/**
 * What the simulator is asked.
 *
 * @throws DomainError `validation_failed` (none or several of client, token and key; half a call)
 */
export function toSupposition(
  services: Pick<Services, 'clock'>,
  body: z.output<typeof suppositionInput>,
): Supposition {
  const { clientId, tokenId, apiKeyId, method, path, address: text, at, ...rest } = body;
  if ((method === undefined) !== (path === undefined))
    throw invalidField(method === undefined ? 'method' : 'path', 'required', 'give both or none');
  return {
    ...rest,
    subject: subjectOf({ clientId, tokenId, apiKeyId }),
    address: text == null ? null : canonicalAddress(text),
    at: at ?? services.clock.now(),
    call: method === undefined || path === undefined ? null : { method, path },
  };
}

function subjectOf(
  ids: Pick<z.output<typeof suppositionInput>, 'clientId' | 'tokenId' | 'apiKeyId'>,
): Supposition['subject'] {
  const given = Object.values(ids).filter((id) => id !== undefined);
  const { clientId, tokenId, apiKeyId } = ids;
  if (given.length === 1) {
    if (tokenId !== undefined) return { tokenId };
    if (apiKeyId !== undefined) return { apiKeyId };
    if (clientId !== undefined) return { clientId };
  }
  throw invalidField('clientId', 'required', 'give one of clientId, tokenId and apiKeyId');
}
