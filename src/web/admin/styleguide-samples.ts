/** What the page of components shows: each component's parameters, in every state that it has. */

const TIME = {
  iso: '2026-11-24T16:00:00Z',
  absolute: '25 Nov 2026, 00:00 Asia/Taipei',
  relative: 'in 3 days',
};
const ROW_MENU = [
  { label: 'Information', href: '#' },
  { label: 'Edit', href: '#' },
  { label: 'Security', href: '#' },
  { label: 'Disable', post: { action: '/admin/styleguide', fields: { act: 'disable' } } },
  { label: 'Delete', danger: true, disabled: true, reason: 'Needs the role security' },
];
const LOCKED = { tone: 'danger', word: 'Locked', cause: '3 wrong secrets · 4 min ago' };
const ENABLED = { tone: 'good', word: 'Enabled' };
const NOT_STARTED = { tone: 'info', word: 'Starts in 3 days' };

const FIELDS = [
  {
    name: 'clientName',
    label: 'Client name',
    value: 'orders-batch',
    hint: 'The code that systems know it by: A-Z a-z 0-9 _ -, at most 50',
    required: true,
    mono: true,
    spellcheck: false,
  },
  {
    name: 'displayName',
    label: 'Display name',
    value: '',
    hint: 'At most 100 characters',
    error: 'Enter a display name',
    required: true,
  },
  { name: 'applicationNo', label: 'Application no.', optional: true, width: 'medium' },
  { name: 'tps', label: 'Calls per second', value: '10', width: 'short', suffix: 'per node' },
  { name: 'clientId', label: 'Client ID', value: 'orders', readonly: true, mono: true },
];

const CHOICES = [
  { value: 'internal', label: 'Internal', hint: 'Systems of this organization', checked: true },
  { value: 'external', label: 'External', hint: 'Systems of partners' },
  { value: 'both', label: 'Both', disabled: true, hint: 'Needs the role security' },
];

const LIMITS = [
  { name: 'maxUses', label: 'Uses of an access token', value: '100', unlimited: false },
  { name: 'apiQuota', label: 'API quota', value: '', unlimited: true },
  { name: 'refreshes', label: 'Refreshes', value: 'ten', error: 'Enter a whole number' },
].map((limit) => ({ unlimited: false, unit: 'calls', ...limit }));

const CLIENTS = [
  { name: 'Orders batch', id: 'orders', status: ENABLED, used: 1200, tone: 'good', tokens: '14' },
  { name: 'Returns portal', id: 'r-4t9', status: LOCKED, used: 5000, tone: 'danger', tokens: '0' },
  { name: 'Stock sync', id: 'stk', status: NOT_STARTED, used: 4100, tone: 'warning', tokens: '3' },
].map(({ used, tone, ...client }) => {
  const text = `${used.toLocaleString('en')} of 5,000`;
  const menu = { label: `Actions for ${client.name}`, icon: true, items: ROW_MENU };
  return { ...client, menu, meter: { label: 'Quota', used, limit: 5000, text, tone } };
});

/** Parameters of every component. */
export const SAMPLES = {
  time: TIME,
  recordHead: {
    title: 'Orders batch',
    id: 'orders-8Zq3VbXk',
    idLabel: 'client ID',
    status: LOCKED,
    actions: [
      { href: '#', label: 'Unlock' },
      { href: '#', label: 'Edit', key: 'edit' },
    ],
    menu: { label: 'More', items: ROW_MENU },
  },
  tabs: {
    label: 'Parts of this client',
    items: [
      { href: '#', label: 'Details', current: true },
      { href: '#', label: 'Security level' },
      { href: '#', label: 'API groups', count: 2 },
      { href: '#', label: 'Token settings' },
      { href: '#', label: 'X-Api-Keys', count: 14 },
      { href: '#', label: 'Status' },
    ],
  },
  summary: {
    rows: [
      { label: 'Client name', value: 'orders-batch', mono: true, copy: true },
      { label: 'Description', value: '' },
      { label: 'Expires', time: TIME },
      { label: 'IP addresses', values: ['192.0.2.10 · hq', '2001:db8::/48 · lab'], mono: true },
      { label: 'Priority', value: '5 (0 is highest)', action: { href: '#', label: 'Edit' } },
    ],
  },
  policy: {
    sentences: [
      'May call 2 API groups, 09:00–18:00 Asia/Tokyo on weekdays, from 3 addresses.',
      '10 calls per second on each node; 1,200 of 5,000 today.',
      'Until 31 Mar 2027, 09:00 Asia/Tokyo.',
    ],
  },
  statuses: [
    ENABLED,
    { tone: 'neutral', word: 'Disabled', cause: 'by an admin' },
    LOCKED,
    NOT_STARTED,
    { tone: 'warning', word: 'Expires', cause: 'in 9 days' },
  ],
  clients: CLIENTS,
  chips: {
    items: [
      { label: 'Status: locked', remove: '#' },
      { label: 'Audience: external', remove: '#' },
    ],
    clear: { href: '#', label: 'Clear filters' },
  },
  pager: {
    summary: '26–50 of 100,000 clients',
    first: '#',
    previous: '#',
    next: '#',
    last: '#',
    sizes: [
      { href: '#', label: '25', current: true },
      { href: '#', label: '50' },
      { href: '#', label: '100' },
    ],
  },
  empty: {
    text: 'No client matches. Drop the filter “Audience: external” or search for other words.',
    action: { href: '#', label: 'Create client' },
    link: { href: '#', label: 'Clear filters' },
  },
  problems: [
    { field: 'displayName', message: 'Enter a display name' },
    { field: '', message: 'The record has changed since it was read' },
  ],
  fields: FIELDS,
  choices: CHOICES,
  limits: LIMITS,
  duration: { name: 'lifetime', label: 'Lifetime', value: '1', unit: 'd', sum: '= 86,400 s' },
  instant: {
    name: 'expiresAt',
    label: 'Expires',
    value: '2027-03-31T09:00',
    zone: 'Asia/Taipei',
    optional: true,
  },
  notices: [
    { tone: 'info', text: 'This client has no IP binding: it may call from any address.' },
    { tone: 'good', text: 'Every check passes from 192.0.2.10.' },
    { tone: 'warning', heading: 'This key expires in 9 days', text: 'Rotate it before.' },
    {
      tone: 'danger',
      heading: 'Deleting this client ends what it holds, at once',
      items: ['14 live tokens', '2 X-Api-Keys'],
    },
  ],
  secret: {
    label: 'Client secret',
    value: 'tgs_Zk9wQ3hBv7uYp2Rn6Xc1Lm8Td4Fs0Je5',
    hint: 'It is shown once. Store it now: nobody can read it again.',
    downloadName: 'orders.env',
    env: 'CLIENT_ID=orders\nCLIENT_SECRET=tgs_Zk9wQ3hBv7uYp2Rn6Xc1Lm8Td4Fs0Je5\n',
    done: { href: '/admin/styleguide', label: 'Go to the client' },
  },
  code: {
    label: 'Ask for a token',
    value:
      'curl -u orders:$CLIENT_SECRET \\\n  -d grant_type=client_credentials \\\n  https://auth.example.test/oauth2/token',
  },
  meters: [
    { label: 'API quota', used: 1200, limit: 5000, text: '1,200 of 5,000 today', tone: 'good' },
    { label: 'Uses', used: 84, limit: 100, text: '84 of 100', tone: 'warning' },
    { label: 'Refreshes', used: 10, limit: 10, text: '10 of 10', tone: 'danger' },
    { label: 'Sign-ins', used: 31, limit: null, text: 'Unlimited' },
  ].map((meter, i) => ({ ...meter, ...(i === 0 && { reset: `Resets ${TIME.absolute}` }) })),
  diff: {
    rows: [
      { field: 'TPS', before: '10 calls per second', after: '20 calls per second' },
      { field: 'Security level', before: 'A', after: 'C' },
    ],
    beforeLabel: 'Saved by another admin',
    afterLabel: 'Yours',
  },
  steps: {
    label: 'Create client',
    items: [
      { label: 'Who', href: '#', state: 'done' },
      { label: 'When and from where', state: 'current' },
      { label: 'How much', state: 'todo' },
      { label: 'Access', state: 'todo' },
      { label: 'Review', state: 'todo' },
    ],
  },
  bars: {
    caption: 'Refused decisions, last 24 hours',
    rows: [
      { label: 'quota_exceeded', value: 412, text: '412' },
      { label: 'ip_not_allowed', value: 96, text: '96' },
      { label: 'token_expired', value: 7, text: '7' },
    ],
  },
};
