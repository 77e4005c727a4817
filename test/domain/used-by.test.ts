import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  createApiGroup,
  deleteApiGroup,
  updateApiGroup,
} from '../../src/domain/apis/manage-api-groups.ts';
import { createApiScope, deleteApiScope } from '../../src/domain/apis/manage-api-scopes.ts';
import { createApi, deleteApi } from '../../src/domain/apis/manage-apis.ts';
import {
  createSecurityLevel,
  deleteSecurityLevel,
} from '../../src/domain/apis/manage-security-levels.ts';
import { newClient } from '../../src/domain/clients/client-input.ts';
import { createClient } from '../../src/domain/clients/manage-clients.ts';
import { parse } from '../../src/domain/validation.ts';
import { ACTOR, openWorld, type World } from './support.ts';

const DRY = { dryRun: true };

describe('dry runs of removing what is in use', () => {
  let world: World;
  beforeAll(async () => {
    world = await openWorld();
  });
  afterAll(() => world.close());

  const client = (name: string, names: object) => {
    const fields = { clientName: name, displayName: name, note: 'x', clientId: name };
    return createClient(world.services, ACTOR, parse(newClient, { ...fields, ...names }));
  };
  const hintOf = async (removal: Promise<unknown>) => {
    const error = await removal.catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'in_use' });
    return (error as { hint: string }).hint;
  };

  it('of an API group name the first ten clients that hold or serve it, each once', async () => {
    const { services } = world;
    await createApiGroup(services, ACTOR, { name: 'both' });
    expect(await deleteApiGroup(services, ACTOR, 'both', DRY)).toMatchObject({ name: 'both' });
    const named = Array.from({ length: 12 }, (_, i) => `both-${String(i).padStart(2, '0')}`);
    const ways = [
      { apiGroups: ['both'] },
      { servedApiGroups: ['both'] },
      { apiGroups: ['both'], servedApiGroups: ['both'] },
    ];
    for (const [i, name] of named.entries()) {
      await client(name, { kind: 'resource_server', grantTypes: [], ...ways[i % 3] });
    }
    const hint = await hintOf(deleteApiGroup(services, ACTOR, 'both', DRY));
    expect(hint).toBe(
      `used by ${named
        .slice(0, 10)
        .map((name) => `client ${name}`)
        .join(', ')}`,
    );
  });

  it('of an API scope name the clients that hold it', async () => {
    const { services } = world;
    await createApiScope(services, ACTOR, { name: 'profile' });
    await createApiScope(services, ACTOR, { name: 'profile.more' });
    await client('by-scope', { apiScopes: ['profile'] });
    const hint = await hintOf(deleteApiScope(services, ACTOR, 'profile', DRY));
    expect(hint).toBe('used by client by-scope');
    const free = await deleteApiScope(services, ACTOR, 'profile.more', DRY);
    expect(free).toMatchObject({ name: 'profile.more' });
  });

  it('of an API and of a level name the groups and scopes that name them', async () => {
    const { services } = world;
    const { apiId } = await createApi(services, ACTOR, { method: 'GET', path: '/used' });
    await createSecurityLevel(services, ACTOR, { name: 'LVL', rank: 7 });
    const fields = { apis: [apiId], securityLevel: 'LVL' };
    const group = await createApiGroup(services, ACTOR, { name: 'a-group', ...fields });
    await createApiScope(services, ACTOR, { name: 'a-scope', ...fields });
    await client('at-level', { securityLevel: 'LVL' });
    const [ofApi, ofLevel] = [
      () => hintOf(deleteApi(services, ACTOR, apiId, DRY)),
      () => hintOf(deleteSecurityLevel(services, ACTOR, 'LVL', DRY)),
    ];
    expect(await ofApi()).toBe('used by a-group, a-scope');
    expect(await ofLevel()).toBe('used by client at-level, a-group, a-scope');
    const patch = { apis: [], securityLevel: 'SYSTEM' };
    await updateApiGroup(services, ACTOR, { id: group.name, version: 1, patch });
    expect(await ofApi()).toBe('used by a-scope');
    expect(await ofLevel()).toBe('used by client at-level, a-scope');
  });
});
