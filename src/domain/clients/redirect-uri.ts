/** Redirect URIs (RFC 6749 §3.1.2, RFC 8252 §7): exact match, no wildcards, no fragments. */
import { z } from 'zod';

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);
const FORBIDDEN_SCHEMES = new Set([
  'javascript:',
  'data:',
  'file:',
  'blob:',
  'about:',
  'vbscript:',
  'ftp:',
  'ws:',
  'wss:',
]);

/** Why a redirect URI is refused, or null when it is fine. */
export function redirectUriProblem(text: string): string | null {
  const uri = URL.parse(text);
  // URL mends what RFC 3986 does not allow: it drops line breaks, and reads https:\\a and https:a as https://a.
  if (uri === null || /^https?:(?!\/\/[^/])/i.test(text)) return 'must be an absolute URI';
  if (!/^[!-~]+$/.test(text) || text.includes('\\'))
    return 'must be of ASCII characters, without spaces';
  if (text.includes('#')) return 'may not have a fragment';
  if (text.includes('*')) return 'may not have a wildcard; list each URI';
  if (uri.username || uri.password) return 'may not carry user information';
  if (uri.protocol === 'https:') return null;
  if (uri.protocol === 'http:')
    return LOOPBACK.has(uri.hostname) ? null : 'must be https (http only for loopback)';
  if (FORBIDDEN_SCHEMES.has(uri.protocol)) return `may not use the scheme ${uri.protocol}`;
  // RFC 8252 §7.1: "apps MUST use a URI scheme based on a domain name under their control".
  return uri.protocol.includes('.')
    ? null
    : 'a private-use scheme must hold a dot, such as com.example.app:/callback';
}

export const redirectUri = z
  .string()
  .max(2000)
  .superRefine((text, context) => {
    const problem = redirectUriProblem(text);
    if (problem !== null) context.addIssue({ code: 'custom', message: problem });
  });
