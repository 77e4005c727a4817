/** `/admins`: people who work in the console and the REST API. */
import { z } from 'zod';
import * as admin from '../domain/admins/admin.ts';
import * as manage from '../domain/admins/manage-admins.ts';
import { pageOf, versioned } from './documents.ts';
import { listQuery, toListQuery } from './query.ts';
import { type Call, project, type Route, route, type UpdateCall } from './route.ts';

const documentShape = {
  adminId: z.string(),
  ...admin.adminSettings.shape,
  isSetUp: z.boolean().describe('Whether a password was chosen'),
  ...versioned,
};

const adminDocument = z.strictObject(documentShape).meta({ id: 'Admin' });

const setUpLink = z
  .strictObject({ url: z.string(), expiresAt: z.date() })
  .meta({ id: 'SetUpLink', description: 'Works once; behind it the admin chooses a password' });

const createdAdmin = z
  .strictObject({
    ...documentShape,
    setUpLink: setUpLink.optional().describe('Answered this once; absent from a dry run'),
  })
  .meta({ id: 'CreatedAdmin' });

const issuedLink = z.strictObject({ setUpLink: setUpLink.nullable() }).meta({ id: 'IssuedLink' });

const newAdmin = admin.newAdmin.meta({ id: 'NewAdmin' });
const adminPatch = manage.adminPatch.meta({ id: 'AdminPatch' });
const adminQuery = listQuery('userName', 'createdAt');

/** The routes of admins. */
export const adminRoutes: Route[] = [
  route({
    method: 'GET',
    path: '/v1/admins',
    tag: 'admins',
    summary: 'List admins',
    role: 'viewer',
    query: adminQuery,
    status: 200,
    response: pageOf('AdminPage', adminDocument),
    handler: listAdmins,
  }),
  route({
    method: 'POST',
    path: '/v1/admins',
    tag: 'admins',
    summary: 'Create an admin of at most your own role; answers a set-up link once',
    role: 'security',
    body: newAdmin,
    status: 201,
    response: createdAdmin,
    handler: createAdmin,
  }),
  route({
    method: 'GET',
    path: '/v1/admins/:adminId',
    tag: 'admins',
    summary: 'Read an admin',
    role: 'viewer',
    status: 200,
    response: adminDocument,
    handler: getAdmin,
  }),
  route({
    method: 'PATCH',
    path: '/v1/admins/:adminId',
    tag: 'admins',
    summary: 'Change an admin of at most your own role (merge patch)',
    role: 'security',
    body: adminPatch,
    ifMatch: 'required',
    status: 200,
    response: adminDocument,
    present: showAdmin,
    handler: updateAdmin,
  }),
  route({
    method: 'DELETE',
    path: '/v1/admins/:adminId',
    tag: 'admins',
    summary: 'Delete an admin and their personal access tokens',
    role: 'security',
    ifMatch: 'optional',
    status: 204,
    response: adminDocument,
    present: showAdmin,
    handler: deleteAdmin,
  }),
  route({
    method: 'POST',
    path: '/v1/admins/:adminId/set-up-link',
    tag: 'admins',
    summary: 'Issue a new set-up link, answered once; the earlier one stops',
    role: 'security',
    status: 201,
    response: issuedLink,
    handler: issueSetUpLink,
  }),
];

interface AdminId {
  adminId: string;
}

function showAdmin(stored: admin.Admin): z.output<typeof adminDocument> {
  return project(adminDocument, { ...stored, isSetUp: stored.passwordHash !== null });
}

async function listAdmins({ services, query }: Call<unknown, z.output<typeof adminQuery>>) {
  const page = await services.stores.admins.list(toListQuery(query));
  return { body: { ...page, items: page.items.map(showAdmin) } };
}

async function createAdmin(call: Call<unknown, unknown, z.output<typeof newAdmin>>) {
  const { services, caller, body, dryRun } = call;
  const created = await manage.createAdmin(services, caller, body, { dryRun });
  const document = showAdmin(created.admin);
  const link = created.setUpLink;
  return {
    body: link === null ? document : { ...document, setUpLink: link },
    location: `/admins/${created.admin.adminId}`,
  };
}

async function getAdmin({ services, params }: Call<AdminId>) {
  return { body: showAdmin(await manage.findAdmin(services, params.adminId)) };
}

async function updateAdmin(call: UpdateCall<AdminId, z.output<typeof adminPatch>>) {
  const { services, caller, params, body, version, dryRun } = call;
  const update = { id: params.adminId, version, patch: body };
  return { body: showAdmin(await manage.updateAdmin(services, caller, update, { dryRun })) };
}

async function deleteAdmin({ services, caller, params, version, dryRun }: Call<AdminId>) {
  const options = { version, dryRun };
  return { body: showAdmin(await manage.deleteAdmin(services, caller, params.adminId, options)) };
}

async function issueSetUpLink({ services, caller, params, dryRun }: Call<AdminId>) {
  const link = await manage.issueSetUpLink(services, caller, params.adminId, { dryRun });
  return { body: { setUpLink: link } };
}
