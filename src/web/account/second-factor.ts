/** `/admin/account/second-factor`: setting up an authenticator, recovery codes, turning both off. */
import qrcode from 'qrcode';
import {
  beginTotp,
  confirmTotp,
  newRecoveryCodes,
  pendingTotp,
  removeTotp,
} from '../../domain/admins/second-factor.ts';
import type { FieldProblem } from '../../domain/errors.ts';
import type { ConsoleCall, ConsoleRoute } from '../admin/route.ts';
import { submit } from '../admin/submit.ts';
import { ACCOUNT } from './show.ts';

const PATH = `${ACCOUNT}/second-factor`;
const OWN = { role: 'viewer', stepUp: true } as const;

export const secondFactorRoutes: ConsoleRoute[] = [
  { ...OWN, method: 'GET', path: PATH, handler: (call) => showFactor(call) },
  { ...OWN, method: 'POST', path: `${PATH}/begin`, handler: begin },
  { ...OWN, method: 'POST', path: `${PATH}/confirm`, handler: confirm },
  { ...OWN, method: 'POST', path: `${PATH}/recovery-codes`, handler: renewCodes },
  { ...OWN, method: 'GET', path: `${PATH}/remove`, handler: (call) => askToRemove(call) },
  { ...OWN, method: 'POST', path: `${PATH}/remove`, handler: remove },
];

async function showFactor(call: ConsoleCall, problems: FieldProblem[] = []): Promise<void> {
  const { admin, services, t } = call;
  const { adminId } = admin;
  const isOn = Boolean(admin.totpSecret);
  const key = isOn ? null : await pendingTotp(services, adminId);
  const { recoveryCodes } = await services.stores.adminGuards.find(adminId);
  await call.show(
    'admin/account/second-factor',
    {
      isOn,
      path: PATH,
      codes: t('account.codes.left', { count: recoveryCodes.length }),
      key: key && { text: inGroups(key.secret), qr: await qrOf(key.uri) },
      problems: problems.map(({ field, code, message }) => ({
        field,
        message: code === 'wrong' ? t('account.factor.wrong') : message,
      })),
    },
    optionsOf(call, t('account.factor'), problems.length > 0 ? 422 : 200),
  );
}

async function begin(call: ConsoleCall): Promise<void> {
  await submit({
    async change() {
      await beginTotp(call.services, call.admin.adminId);
      call.redirect(PATH);
    },
    again: (problems) => showFactor(call, problems),
  });
}

async function confirm(call: ConsoleCall): Promise<void> {
  const { actor, form, services, session } = call;
  await submit({
    async change() {
      const given = { code: form.get('code') ?? '', address: actor.address };
      await showCodes(call, await confirmTotp(services, session, given));
    },
    again: (problems) => showFactor(call, problems),
  });
}

async function renewCodes(call: ConsoleCall): Promise<void> {
  const { actor, services, session } = call;
  await submit({
    change: async () => showCodes(call, await newRecoveryCodes(services, session, actor.address)),
    again: (problems) => showFactor(call, problems),
  });
}

/** Shown in the answer itself, once: nothing of a secret is kept to be shown after a redirect. */
function showCodes(call: ConsoleCall, codes: string[]): Promise<void> {
  const { admin, t } = call;
  const title = t('account.codes.title');
  const file = [t('account.codes.file', { userName: admin.userName }), '', ...codes, ''].join('\n');
  const locals = { codes, file, done: { href: ACCOUNT, label: t('account.codes.done') } };
  return call.show('admin/account/recovery-codes', locals, optionsOf(call, title, 200));
}

async function askToRemove(call: ConsoleCall): Promise<void> {
  const { t } = call;
  const title = t('account.factor.remove.title');
  await call.show(
    'admin/noun/confirm',
    {
      ...{ action: `${PATH}/remove`, version: null, problems: [], refused: null, sections: [] },
      text: t('account.factor.remove.text'),
      consequences: [t('account.factor.remove.codes'), t('account.factor.remove.sessions')],
      submit: t('account.factor.remove'),
      cancel: { href: PATH, label: t('common.cancel') },
    },
    optionsOf(call, title, 200),
  );
}

async function remove(call: ConsoleCall): Promise<void> {
  await removeTotp(call.services, call.session, call.actor.address);
  call.redirect(ACCOUNT, call.t('account.factor.removed'));
}

function optionsOf({ t }: ConsoleCall, title: string, status: number) {
  return { title, status, breadcrumbs: [{ label: t('account.title'), href: ACCOUNT }] };
}

/** An SVG in a `data:` address: the content security policy lets images be that, and nothing else. */
async function qrOf(uri: string): Promise<string> {
  const svg = await qrcode.toString(uri, { type: 'svg', margin: 4, errorCorrectionLevel: 'M' });
  return `data:image/svg+xml;base64,${Buffer.from(svg).toString('base64')}`;
}

function inGroups(secret: string): string {
  return secret.replace(/.{4}(?!$)/g, '$& ');
}
