// The console page: which view is shown, and what comes from the node to where. See PROTOCOL.md.
import { Feed } from './feed.js';
import { List } from './list.js';
import { Overview } from './overview.js';
import { Process } from './process.js';
import { Reports } from './reports.js';
import { Tree } from './tree.js';
import { ask_to_kill, prepare_help, show_help } from './dialogs.js';
import { listen_to_keys } from './keys.js';
import { by_id, number, pid_of_path, set_text, time_of_day } from './text.js';

const feed = new Feed(document.querySelector('meta[name="coppice-token"]').content);
const filter = by_id('filter');
const views = ['overview', 'processes', 'process', 'tree', 'reports'];

/** Asks and kills. Null: it is not to be; else what went wrong, or an empty text. */
async function kill(pid, name, begin = () => {}) {
  if (!(await ask_to_kill(pid, name))) return null;
  begin();
  const problem = await feed.kill(pid);
  by_id('problem').textContent = problem ?? '';
  return problem ?? '';
}

const reports = new Reports();
const overview = new Overview();
const list = new List(() => watch());
const tree = new Tree(by_id('rows'), () => watch(), kill);
const process = new Process(feed, kill, (pid) => reports.successor(pid));

// --- views -----------------------------------------------------------------------------------------------------------

/** What the address says: a view, and what in it. */
function place() {
  const [name, rest = ''] = location.hash.slice(1).split('/');
  const view = views.includes(name) ? name : 'overview';
  const pid = view === 'process' ? pid_of_path(rest) : null;
  return view === 'process' && !pid ? { view: 'processes' } : { view, pid, seq: rest };
}

/** What the node is to send for the view that is seen. */
function wanted() {
  const { view, pid } = place();
  if (document.hidden) return {};
  if (view === 'overview') return { list: { sort: 'mailbox', limit: 5 } };
  if (view === 'processes') return { list: list.query() };
  if (view === 'process') return { process: pid };
  return { open: [...tree.open].slice(-500), limits: tree.limits, filter: filter.value.trim() };
}

const watch = () => feed.watch(wanted());

const headings = { overview: 'overview-title', processes: 'processes-title', process: 'process-title', tree: 'tree-title', reports: 'reports-title' };

function show_view(moved) {
  const { view, pid, seq } = place();
  document.body.dataset.view = view;
  for (const link of document.querySelectorAll('.tabs a')) {
    const here = link.dataset.to === (view === 'process' ? 'processes' : view);
    if (here) link.setAttribute('aria-current', view === 'process' ? 'true' : 'page');
    else link.removeAttribute('aria-current');
  }
  process.look_at(pid ?? null);
  watch();
  if (moved) {
    scrollTo(0, 0);
    by_id(headings[view]).focus({ preventScroll: true });
  }
  if (view === 'reports' && seq) reports.open(seq);
}

addEventListener('hashchange', () => show_view(true));
document.addEventListener('visibilitychange', () => {
  watch();
  if (!document.hidden) feed.hurry();
});
addEventListener('online', () => feed.hurry());

// --- the stream ------------------------------------------------------------------------------------------------------

let last_heard = null;

feed.addEventListener('snapshot', ({ detail: snapshot }) => {
  last_heard = snapshot.at;
  const { view } = place();
  overview.show_node(snapshot.node);
  document.title = `${snapshot.node.name} · Coppice console`;
  overview.add(snapshot.points ?? [], snapshot.reports);
  reports.add(snapshot.reports);
  if (view === 'overview') {
    overview.draw(snapshot.at);
    if (snapshot.list?.rows.length <= 5) overview.show_longest(snapshot.list);
  } else if (view === 'processes' && snapshot.list) {
    list.show(snapshot.list);
  } else if (view === 'process' && snapshot.process) {
    process.show(snapshot.process, snapshot.at, snapshot.node.shows_state);
  } else if (snapshot.processes) {
    const filtering = snapshot.matched !== undefined;
    tree.show(snapshot, filtering);
    by_id('waiting').hidden = true;
    set_text(by_id('found'), filtering ? `${number(snapshot.matched)} found` : '');
  }
});

const states = { connecting: 'Connecting…', live: 'Live', waiting: 'Reconnecting…' };
feed.addEventListener('connection', () => {
  const lost = feed.state !== 'live';
  by_id('connection').dataset.state = feed.state;
  by_id('connection').textContent = states[feed.state];
  by_id('lost').hidden = !lost || last_heard === null;
  if (lost && last_heard !== null) {
    by_id('lost').textContent = `No connection to the node. What you see is of ${time_of_day(last_heard)}; trying again by itself.`;
  }
  document.body.classList.toggle('stale', lost && last_heard !== null);
});

// The node was started again, with another token: the page has to be fetched again, but not for ever.
feed.addEventListener('stale', () => {
  const last = Number(sessionStorage.getItem('coppice-reloaded') ?? 0);
  if (Date.now() - last < 10_000) {
    by_id('problem').textContent = 'The node refuses the token of this page. Please load the page again.';
    return;
  }
  sessionStorage.setItem('coppice-reloaded', String(Date.now()));
  location.reload();
});

// --- hands -----------------------------------------------------------------------------------------------------------

filter.addEventListener('input', watch);
document.querySelector('.skip').addEventListener('click', (event) => { // its address would be one of no view
  event.preventDefault();
  by_id('main').focus();
});

const theme_button = by_id('theme');
function tell_theme() {
  const theme = document.documentElement.dataset.theme;
  theme_button.textContent = { auto: '◐', light: '☀', dark: '☾' }[theme];
  theme_button.setAttribute('aria-label', `Colours: ${window.coppice_theme.names[theme]}`);
  theme_button.title = theme_button.getAttribute('aria-label');
}
theme_button.addEventListener('click', () => { window.coppice_theme.next(); tell_theme(); });
tell_theme();

/** The search field of the view, after a change to one that has it. */
function find() {
  const { view } = place();
  if (view === 'tree') filter.focus();
  else {
    if (view !== 'processes') { location.hash = '#processes'; addEventListener('hashchange', () => by_id('find').focus(), { once: true }); }
    by_id('find').focus();
  }
}

function clear_field({ target }) {
  if (target !== filter && target !== by_id('find')) return;
  target.value = '';
  target.dispatchEvent(new Event('input'));
}

const go = (view) => () => { location.hash = `#${view}`; };
listen_to_keys({
  1: go('overview'), 2: go('processes'), 3: go('tree'), 4: go('reports'),
  '/': find,
  '?': show_help,
  s: () => { if (place().view === 'process') process.read_state(); },
  t: () => { if (place().view === 'process') process.trace.toggle(); },
  h: () => { if (place().view === 'processes') by_id('hold').click(); },
  Delete: () => {
    if (place().view === 'process') process.kill();
    const row = document.activeElement.closest('#list-rows tr');
    if (row) kill(row.dataset.pid, row.dataset.name);
  },
  Escape: clear_field,
});

prepare_help();
feed.start();
show_view(false);
