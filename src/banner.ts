/** What a start prints for people, once: where the server is, the owner's link, and lines to paste. */
import {
  DEMO_PARTNER,
  DEMO_RESOURCE_SERVER,
  type DemoSecrets,
  type FirstRun,
} from './domain/first-run.ts';

/** The lines after a start. */
export function banner(issuer: string, { setUpUrl, demo }: FirstRun): string {
  const parts = [`Tollgate listens at ${issuer}`];
  if (setUpUrl !== null)
    parts.push(`Set up the owner (the link works once, for 24 hours):\n${setUpUrl}`);
  if (demo !== null) parts.push(demoLines(issuer, demo));
  return `${parts.join('\n\n')}\n`;
}

/** Two shell lines: one keeps a token in TOKEN, one introspects it. */
export function demoLines(issuer: string, secrets: DemoSecrets): string {
  const basic = (id: string, secret: string) => `curl -s -u '${id}:${secret}'`;
  const token = `TOKEN=$(${basic(DEMO_PARTNER, secrets.partner)} -d grant_type=client_credentials ${issuer}/oauth2/token | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')`;
  const introspection = `${basic(DEMO_RESOURCE_SERVER, secrets.resourceServer)} -d "token=$TOKEN" ${issuer}/oauth2/introspect`;
  return `Get a token and introspect it (the secrets are shown only now; "npm run demo" makes new ones):\n${token}\n${introspection}`;
}
