/** The routes of a noun, and the page of one record. */
import type { Versioned } from '../../domain/records.ts';
import { type ConsoleCall, type ConsoleRoute, param, roleNeeded } from '../admin/route.ts';
import { type ConsoleNoun, recordPath } from './noun.ts';
import { askToDelete, deleteRecord } from './noun-delete.ts';
import { createRecord, newRecord, showEdit, updateRecord } from './noun-form.ts';
import { listRecords } from './noun-list.ts';

/** List, create, view, edit, delete. */
export function nounRoutes<T extends Versioned>(noun: ConsoleNoun<T>): ConsoleRoute[] {
  const { path, role } = noun;
  const one = `${path}/:id`;
  const page = (handler: NounHandler<T>) => (call: ConsoleCall) => handler(noun, call);
  return [
    { method: 'GET', path, role: 'viewer', handler: page(listRecords) },
    { method: 'GET', path: `${path}/new`, role, handler: page(newRecord) },
    { method: 'POST', path: `${path}/new`, role, handler: page(createRecord) },
    { method: 'GET', path: one, role: 'viewer', handler: page(showRecord) },
    { method: 'GET', path: `${one}/edit`, role, handler: page(showEdit) },
    { method: 'POST', path: `${one}/edit`, role, handler: page(updateRecord) },
    { method: 'GET', path: `${one}/delete`, role, stepUp: true, handler: page(askToDelete) },
    { method: 'POST', path: `${one}/delete`, role, stepUp: true, handler: page(deleteRecord) },
  ];
}

type NounHandler<T extends Versioned> = (noun: ConsoleNoun<T>, call: ConsoleCall) => Promise<void>;

async function showRecord<T extends Versioned>(
  noun: ConsoleNoun<T>,
  call: ConsoleCall,
): Promise<void> {
  const { services, t } = call;
  const record = await noun.find(services, param(call, 'id'));
  const [id, name] = [noun.idOf(record), noun.nameOf(record)];
  const reason = roleNeeded(call, noun.role);
  const offered = reason === undefined ? {} : { disabled: true, reason };
  const href = (below: string) => recordPath(noun.path, id, below);
  const status = noun.page.status?.(call, record);
  const head = {
    title: name,
    ...(id !== name && { id, idLabel: t(`${noun.area}.id`) }),
    ...(status !== undefined && { status }),
    actions: [
      { href: href('/edit'), label: t('common.edit'), key: 'edit' as const, ...offered },
      ...(noun.page.actions?.(call, record) ?? []),
      { href: href('/delete'), label: t('common.delete'), ...offered },
    ],
  };
  const sections = await noun.page.sections(call, record);
  const options = { title: name, section: noun.section, ownHeading: true };
  await call.show('admin/noun/show', { head, sections }, options);
}
