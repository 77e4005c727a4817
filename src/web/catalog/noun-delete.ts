/** Deleting a record: the page that says what ends with it and who uses it, and the deletion. */
import type { Versioned } from '../../domain/records.ts';
import { type ConsoleCall, param } from '../admin/route.ts';
import { submit, versionOf } from '../admin/submit.ts';
import { type ConsoleNoun, recordPath } from './noun.ts';
import type { ProblemView } from './views.ts';

/** Answers with the page that asks. */
export async function askToDelete<T extends Versioned>(
  noun: ConsoleNoun<T>,
  call: ConsoleCall,
): Promise<void> {
  await ask(noun, call, await noun.find(call.services, param(call, 'id')));
}

/** Deletes the version that the page showed. */
export async function deleteRecord<T extends Versioned>(
  noun: ConsoleNoun<T>,
  call: ConsoleCall,
): Promise<void> {
  const { t } = call;
  const record = await noun.find(call.services, param(call, 'id'));
  const version = versionOf(call.form);
  await submit({
    async change() {
      await noun.removal.remove(call, noun.idOf(record), version);
      call.redirect(noun.path, t('noun.deleted', { name: noun.nameOf(record) }));
    },
    again: (problems) => ask(noun, call, record, { status: 422, problems }),
    stale: (current) =>
      ask(noun, call, current as T, {
        status: 409,
        problems: [{ field: '', message: t('noun.delete.stale') }],
      }),
  });
}

async function ask<T extends Versioned>(
  noun: ConsoleNoun<T>,
  call: ConsoleCall,
  record: T,
  { status = 200, problems = [] }: { status?: number; problems?: ProblemView[] } = {},
): Promise<void> {
  const { area, path, removal, section } = noun;
  const { t } = call;
  const name = noun.nameOf(record);
  const own = recordPath(path, noun.idOf(record));
  const { sections, refused } = await removal.usedBy(call, record);
  await call.show(
    'admin/noun/confirm',
    {
      action: `${own}/delete`,
      version: String(record.version),
      problems,
      text: t('noun.delete.text'),
      consequences: (await removal.consequences?.(call, record)) ?? [],
      refused,
      sections,
      submit: t(`${area}.delete`),
      cancel: { href: own, label: t('common.cancel') },
    },
    {
      title: t('noun.delete.title', { name }),
      section,
      breadcrumbs: [{ label: name, href: own }],
      crumb: t('common.delete'),
      status,
    },
  );
}
