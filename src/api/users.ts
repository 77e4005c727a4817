/** `/users`: resource owners for the password and authorization-code grants. */
import { z } from 'zod';
import { passwordRule } from '../domain/clients/client.ts';
import * as manage from '../domain/users/manage-users.ts';
import type { User, UserFilter } from '../domain/users/user.ts';
import * as user from '../domain/users/user.ts';
import { lockDocument, pageOf, versioned } from './documents.ts';
import { listQuery, toListQuery } from './query.ts';
import { type Call, project, type Route, route, type UpdateCall } from './route.ts';

const userDocument = z
  .strictObject({
    userId: z.string(),
    ...user.userSettings.shape,
    lock: lockDocument,
    ...versioned,
  })
  .meta({ id: 'User' });

const dyingWithUser = z
  .strictObject({ liveTokens: z.int() })
  .meta({ id: 'DyingWithUser', description: 'What dies with the user' });

const newUser = user.newUser.meta({ id: 'NewUser' });
const userPatch = manage.userPatch.meta({ id: 'UserPatch' });
const newPassword = z.strictObject({ password: passwordRule }).meta({ id: 'NewUserPassword' });

const userQuery = listQuery('createdAt', 'userName').extend({
  status: z.enum(['enabled', 'disabled', 'locked']).optional(),
});

/** The routes of users. */
export const userRoutes: Route[] = [
  route({
    method: 'GET',
    path: '/v1/users',
    tag: 'users',
    summary: 'List users',
    role: 'viewer',
    query: userQuery,
    status: 200,
    response: pageOf('UserPage', userDocument),
    handler: listUsers,
  }),
  route({
    method: 'POST',
    path: '/v1/users',
    tag: 'users',
    summary: 'Create a user',
    role: 'operator',
    body: newUser,
    status: 201,
    response: userDocument,
    handler: createUser,
  }),
  route({
    method: 'GET',
    path: '/v1/users/:userId',
    tag: 'users',
    summary: 'Read a user',
    role: 'viewer',
    status: 200,
    response: userDocument,
    handler: getUser,
  }),
  route({
    method: 'PATCH',
    path: '/v1/users/:userId',
    tag: 'users',
    summary: 'Change a user (merge patch)',
    role: 'operator',
    body: userPatch,
    ifMatch: 'required',
    status: 200,
    response: userDocument,
    present: showUser,
    handler: updateUser,
  }),
  route({
    method: 'DELETE',
    path: '/v1/users/:userId',
    tag: 'users',
    summary: 'Delete a user and revoke their tokens',
    role: 'operator',
    ifMatch: 'optional',
    status: 204,
    response: dyingWithUser,
    present: showUser,
    handler: deleteUser,
  }),
  route({
    method: 'POST',
    path: '/v1/users/:userId/unlock',
    tag: 'users',
    summary: 'Unlock a user and forget their failed passwords',
    role: 'operator',
    status: 200,
    response: userDocument,
    handler: unlockUser,
  }),
  route({
    method: 'PUT',
    path: '/v1/users/:userId/password',
    tag: 'users',
    summary: 'Set the password of a user and unlock them',
    role: 'operator',
    body: newPassword,
    ifMatch: 'optional',
    status: 200,
    response: userDocument,
    present: showUser,
    handler: setUserPassword,
  }),
];

interface UserId {
  userId: string;
}

function showUser(stored: User): z.output<typeof userDocument> {
  return project(userDocument, stored);
}

async function listUsers({ services, query }: Call<unknown, z.output<typeof userQuery>>) {
  const filter = { status: query.status };
  const page = await services.stores.users.list(toListQuery<UserFilter>(query, filter));
  return { body: { ...page, items: page.items.map(showUser) } };
}

async function createUser(call: Call<unknown, unknown, z.output<typeof newUser>>) {
  const { services, caller, body, dryRun } = call;
  const created = await manage.createUser(services, caller.actor, body, { dryRun });
  return { body: showUser(created), location: `/users/${created.userId}` };
}

async function getUser({ services, params }: Call<UserId>) {
  return { body: showUser(await manage.findUser(services, params.userId)) };
}

async function updateUser(call: UpdateCall<UserId, z.output<typeof userPatch>>) {
  const { services, caller, params, body, version, dryRun } = call;
  const update = { id: params.userId, version, patch: body };
  return { body: showUser(await manage.updateUser(services, caller.actor, update, { dryRun })) };
}

async function deleteUser({ services, caller, params, version, dryRun }: Call<UserId>) {
  const options = { version, dryRun };
  const { liveTokens } = await manage.deleteUser(services, caller.actor, params.userId, options);
  return { body: { liveTokens } };
}

async function unlockUser({ services, caller, params, dryRun }: Call<UserId>) {
  const unlocked = await manage.unlockUser(services, caller.actor, params.userId, { dryRun });
  return { body: showUser(unlocked) };
}

async function setUserPassword(call: Call<UserId, unknown, z.output<typeof newPassword>>) {
  const { services, caller, params, body, version, dryRun } = call;
  const input = { password: body.password, version };
  const { actor } = caller;
  const options = { dryRun };
  return {
    body: showUser(await manage.setUserPassword(services, actor, params.userId, input, options)),
  };
}
