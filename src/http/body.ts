/** Request bodies, bounded in size. */
import type { IncomingMessage } from 'node:http';
import { DomainError, invalidField } from '../domain/errors.ts';

/**
 * The bytes of a request's body.
 *
 * @param mostBytes the largest body that is taken
 * @throws DomainError `payload_too_large`; `validation_failed` when it does not arrive whole
 */
export function readBody(request: IncomingMessage, mostBytes: number): Promise<Buffer> {
  if (request.complete) return wholeBody(request, mostBytes);
  return new Promise((resolve, reject) => {
    if (Number(request.headers['content-length'] ?? 0) > mostBytes)
      return reject(tooLarge(mostBytes));
    const chunks: Buffer[] = [];
    let bytes = 0;
    let isSettled = false;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= mostBytes) chunks.push(chunk);
      else fail(tooLarge(mostBytes));
    });
    request.on('end', () => {
      isSettled = true;
      resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks));
    });
    request.on('error', endEarly);
    request.on('close', endEarly);

    // Every request closes in the end; an error costs more than the rest of all this.
    function endEarly(): void {
      if (!isSettled) fail(invalidField('', 'incomplete', 'the request ended before its body did'));
    }
    function fail(error: Error): void {
      isSettled = true;
      reject(error);
    }
  });
}

/** Of a body that is all there, as small ones are: without listeners it costs a third. */
async function wholeBody(request: IncomingMessage, mostBytes: number): Promise<Buffer> {
  const bytes = (request.read() as Buffer | null) ?? EMPTY;
  if (bytes.length > mostBytes) throw tooLarge(mostBytes);
  return bytes;
}

const EMPTY = Buffer.alloc(0);

function tooLarge(mostBytes: number): DomainError {
  return new DomainError('payload_too_large', { hint: `at most ${mostBytes} bytes` });
}
