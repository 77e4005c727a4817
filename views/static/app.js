/* What the console's pages do more easily with a script. Nothing needs it: each part improves markup that already works. */
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const closest = (event, selector) =>
  event.target instanceof Element ? event.target.closest(selector) : null;

/** Says a text to screen readers. */
function announce(text) {
  const region = document.querySelector('[data-announce]');
  if (region) region.textContent = text;
}

/* Copy: says so to the eye and to the ear. Without HTTPS there is no clipboard: the value is selected. */
document.addEventListener('click', async (event) => {
  const button = closest(event, '[data-copy]');
  if (!button) return;
  if (!navigator.clipboard) return getSelection().selectAllChildren(button.previousElementSibling);
  await navigator.clipboard.writeText(button.dataset.copy);
  button.dataset.done = '';
  announce(button.dataset.copied);
  setTimeout(() => {
    delete button.dataset.done;
    announce('');
  }, 2000);
});

/* Menus close on Esc and outside, and give the focus back. */
function closeMenu(menu) {
  const held = menu.contains(document.activeElement);
  menu.open = false;
  if (held) menu.querySelector('summary').focus();
}
document.addEventListener('click', (event) => {
  const inside = closest(event, '[data-menu]');
  for (const menu of all('[data-menu][open]')) if (menu !== inside) menu.open = false;
});
document.addEventListener('keydown', (event) => {
  if (event.key === 'Escape') all('[data-menu][open]').forEach(closeMenu);
});

/* Rows: a template becomes one more row; `__index__` in its attributes becomes the row's number. */
document.addEventListener('click', (event) => {
  const button = closest(event, '[name="rows.add"], [name="rows.remove"]');
  const rows = button?.closest('[data-rows]');
  if (!rows) return;
  event.preventDefault();
  if (button.name === 'rows.add') addRow(rows, button);
  else {
    button.closest('[data-row]').remove();
    rows.querySelector('[name="rows.add"]').focus();
  }
  rows.dispatchEvent(new Event('input', { bubbles: true }));
});
function addRow(rows, button) {
  const used = all('[data-row] [name]', rows).map(({ name }) =>
    Number(/\.(\d+)\b/.exec(name)?.[1]),
  );
  const index = Math.max(-1, ...used.filter(Number.isInteger)) + 1;
  const row = rows.querySelector('template[data-row-template]').content.cloneNode(true);
  for (const element of all('*', row)) {
    for (const { name, value } of [...element.attributes]) {
      element.setAttribute(name, value.replaceAll('__index__', index));
    }
  }
  const first = row.querySelector('input:not([type=hidden]), select, textarea');
  (button.closest('[data-rows-end]') ?? button).before(row);
  first.focus();
}

/* Numbers: "unlimited" rests the number, a duration shows its sum. */
const SECONDS = { s: 1, m: 60, h: 3600, d: 86400 };
function refresh(field) {
  const number = field.querySelector('input[type=text]');
  if (field.hasAttribute('data-unlimited')) {
    number.disabled = field.querySelector('[type=checkbox]').checked;
    return;
  }
  const sum = Number(number.value || Number.NaN) * SECONDS[field.querySelector('select').value];
  const text = `= ${sum.toLocaleString(document.documentElement.lang)} s`;
  field.querySelector('output').value = sum >= 0 && sum < 1e15 ? text : '';
}
all('[data-unlimited]').forEach(refresh);
document.addEventListener('input', (event) => {
  const field = closest(event, '[data-unlimited], [data-duration]');
  if (field) refresh(field);
});

/* A password that is not chosen is not sent, whatever stands in its hidden field. */
function restPasswords() {
  for (const choice of all('[name=passwordChoice][value=generate]'))
    for (const field of choice.form.querySelectorAll('.when-chosen input'))
      field.disabled = choice.checked;
}
restPasswords();
document.addEventListener('change', restPasswords);

/* Filters apply when they change; a tick in the head ticks every row; forms guard what was typed. */
let isDirty = false;
document.addEventListener('input', (event) => {
  if (closest(event, '[data-guard]')) isDirty = true;
});
document.addEventListener('submit', (event) => {
  if (event.target.matches('[data-guard]')) isDirty = false;
});
addEventListener('beforeunload', (event) => {
  if (isDirty) event.preventDefault();
});
document.addEventListener('change', (event) => {
  const filters = closest(event, '[data-filter-autosubmit]');
  if (filters && event.target.matches('select, :checked, [type=checkbox]')) filters.requestSubmit();
  const table = closest(event, 'table:has([data-select-all])');
  if (!table) return;
  const head = table.querySelector('[data-select-all]');
  const boxes = all('tbody [type=checkbox]', table);
  if (event.target === head) for (const box of boxes) box.checked = head.checked;
  const ticked = boxes.filter((box) => box.checked).length;
  head.checked = ticked === boxes.length;
  head.indeterminate = ticked > 0 && ticked < boxes.length;
  for (const count of all('[data-selected-count]')) count.textContent = String(ticked);
});

/* A second press while the first is on its way would do it twice: a key made twice, its first value lost. */
const sent = new WeakSet();
document.addEventListener('submit', (event) => {
  if (event.target.method !== 'post' || event.defaultPrevented) return;
  if (sent.has(event.target)) event.preventDefault();
  sent.add(event.target);
  setTimeout(() => sent.delete(event.target), 10_000);
});

/* Zones that this browser knows, for every field of a zone. */
const zones = all('[data-zones]').length > 0 ? Intl.supportedValuesOf('timeZone') : [];
for (const list of all('[data-zones]')) list.append(...zones.map((zone) => new Option('', zone)));

/* What is wrong is read first. */
document.querySelector('.error-summary')?.focus();

/* Tabs show the current one; a table that is wider than its page can be scrolled with the keyboard. */
document.querySelector('.tabs [aria-current]')?.scrollIntoView({ block: 'nearest' });
for (const wrap of all('.table-wrap')) if (wrap.scrollWidth > wrap.clientWidth) wrap.tabIndex = 0;

/* Single keys, unless switched off. */
let isGoing = false;
function moveRow(step) {
  const links = all('.table__name a');
  const at = links.findIndex((link) => link.closest('tr').contains(document.activeElement));
  links[Math.max(0, Math.min(links.length - 1, at + step))]?.focus();
}
const find = (selector) => document.querySelector(selector);
const KEYS = {
  '/': () => find('[data-key-search]')?.focus(),
  '?': () => find('#shortcuts')?.showModal(),
  n: () => find('[data-key-new]')?.click(),
  e: () => find('[data-key-edit]')?.click(),
  j: () => moveRow(1),
  k: () => moveRow(-1),
};
const TYPING = 'input:not([type=checkbox], [type=radio]), textarea, select, dialog';
document.addEventListener('keydown', (event) => {
  const isOff = document.documentElement.dataset.keys === 'off';
  if (isOff || event.ctrlKey || event.metaKey || event.altKey || closest(event, TYPING)) return;
  const clients = isGoing && event.key === 'c' && (() => location.assign('/admin/clients'));
  const act = clients || KEYS[event.key];
  isGoing = event.key === 'g';
  if (!act) return;
  event.preventDefault();
  act();
});
