/**
 * The outbox: a folder with a file for each mail that no server has taken, readable by people and by
 * mail programs. A file is there whole or not at all, and for the owner of the process only, because
 * a mail can hold a link that works once.
 */
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Message, oneLine } from './transport.ts';

/** What comes between the header of a file and its text. */
const GAP = '\r\n\r\n';

/** The outbox in a folder, which is made when needed. */
export class Outbox {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Writes the file of a mail. Throws when the folder cannot be written. */
  async keep(mail: Message): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    const file = this.#fileOf(mail.mailId);
    await writeFile(`${file}.part`, fileText(mail), { mode: 0o600 });
    await rename(`${file}.part`, file);
  }

  async has(mailId: string): Promise<boolean> {
    return stat(this.#fileOf(mailId)).then(
      (found) => found.isFile(),
      () => false,
    );
  }

  /** The text of a kept mail, or null when its file is gone or is none of ours. */
  async textOf(mailId: string): Promise<string | null> {
    const content = await readFile(this.#fileOf(mailId), 'utf8').catch(() => '');
    const start = content.indexOf(GAP);
    if (start === -1) return null;
    return content.slice(start + GAP.length, -2).replaceAll('\r\n', '\n');
  }

  /** Removes the file of a mail, if there is one. */
  async remove(mailId: string): Promise<void> {
    await rm(this.#fileOf(mailId), { force: true });
  }

  #fileOf(mailId: string): string {
    return join(this.#folder, `${mailId.replace(/[^\w-]/g, '_')}.eml`);
  }
}

function fileText({ at, from, messageId, subject, text, to }: Message): string {
  const header = [
    `From: ${from}`,
    `To: ${to.join(', ')}`,
    `Subject: ${subject}`,
    `Date: ${at.toUTCString().replace('GMT', '+0000')}`,
    `Message-ID: ${messageId}`,
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: 8bit',
  ];
  return `${header.map(oneLine).join('\r\n')}${GAP}${text.replaceAll('\n', '\r\n')}\r\n`;
}
