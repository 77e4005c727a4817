/** Where a sign-in, or a proof of who one is, leads back to. */
import { SIGN_IN, VERIFY } from '../admin/dispatch.ts';

const HOME = '/admin';
/** Any origin will do: whatever leaves it is not of this site. */
const HERE = 'http://here.invalid';

/** A path of the console, query included, or the other one where `next` is anything else. */
export function nextPath(next: string | null | undefined, otherwise = HOME): string {
  if (!next?.startsWith('/') || !URL.canParse(next, HERE)) return otherwise;
  const { origin, pathname, search } = new URL(next, HERE);
  const isPage = pathname === HOME || pathname.startsWith(`${HOME}/`);
  const isLoop = [SIGN_IN, VERIFY].some((path) => pathname.startsWith(path));
  return origin === HERE && isPage && !isLoop ? pathname + search : otherwise;
}
