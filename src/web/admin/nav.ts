/** The navigation of the console, in its order; each label is the message `nav.<key>`. */

/** An entry of the navigation. */
export type NavSection = (typeof NAV)[number]['key'];

export const NAV = [
  { key: 'overview', href: '/admin' },
  { key: 'clients', href: '/admin/clients' },
  { key: 'users', href: '/admin/users' },
  { key: 'apis', href: '/admin/apis' },
  { key: 'api_groups', href: '/admin/api-groups' },
  { key: 'api_scopes', href: '/admin/api-scopes' },
  { key: 'security_levels', href: '/admin/security-levels' },
  { key: 'resource_servers', href: '/admin/resource-servers' },
  { key: 'decisions', href: '/admin/decisions' },
  { key: 'audit', href: '/admin/audit' },
  { key: 'mails', href: '/admin/mails' },
  { key: 'admins', href: '/admin/admins' },
] as const;
