/** Users by name: an allowlist is typed as user names or ids, and stored as ids. */
import type { Services } from '../../domain/services.ts';

type Users = Pick<Services, 'directory' | 'stores'>;

/** Lines that are looked up: as many as a client may hold. */
const MOST_LINES = 10_000;
/** Users that a search offers. */
const OFFERED = 10;

/**
 * The ids of the users that the lines of `userAllowlist` name, by user name or by id, for reading the
 * form. Lines that name nobody are missing.
 *
 * @param held ids that the client holds; they stay, though their users may be gone
 */
export async function usersNamed(
  { directory }: Users,
  form: URLSearchParams,
  held: readonly string[] = [],
): Promise<Map<string, string>> {
  const typed = (form.get('userAllowlist') ?? '').split(/[\r\n]+/).map((line) => line.trim());
  const lines = [...new Set(typed)].filter((line) => line !== '').slice(0, MOST_LINES);
  if (lines.length > 0) await directory.sync();
  const found = await Promise.all(
    lines.map(async (line) => (await directory.userByName(line)) ?? (await directory.user(line))),
  );
  const named = lines.map((line, i) => [line, found[i]?.userId] as const);
  const stay = held.map((userId) => [userId, userId] as const);
  return new Map(
    [...stay, ...named].filter((each): each is [string, string] => each[1] !== undefined),
  );
}

/** The lines that show these users: their names, and the bare id of one who is gone. */
export async function userLines({ directory }: Users, userIds: readonly string[]): Promise<string> {
  if (userIds.length > 0) await directory.sync();
  const users = await Promise.all(userIds.map((userId) => directory.user(userId)));
  return userIds.map((userId, i) => users[i]?.userName ?? userId).join('\n');
}

/** A user whom a search offers to add. */
export interface OfferedUser {
  userName: string;
  displayName: string;
}

/** Users whom a search finds, at most ten, and how many more there are. */
export async function searchUsers(
  { stores }: Users,
  search: string,
): Promise<{ users: OfferedUser[]; more: number }> {
  const { items, total } = await stores.users.list({ search, limit: OFFERED });
  const users = items.map(({ userName, displayName }) => ({ userName, displayName }));
  return { users, more: total - items.length };
}
