// The console page: figures above, the tree, the reports. See PROTOCOL.md for what comes over the wire.
import { Feed } from './feed.js';
import { Tree } from './tree.js';
import { bytes, duration, element, number, set_text, short_number } from './text.js';

const kept_reports = 300;
const by_id = (id) => document.getElementById(id);

const feed = new Feed(document.querySelector('meta[name="coppice-token"]').content);
const filter = by_id('filter');
const filter_text = () => filter.value.trim();
const watch = () => feed.watch([...tree.open].slice(-500), tree.limits, filter_text());

const tree = new Tree(by_id('rows'), watch, async (pid) => {
  const problem = await feed.kill(pid);
  by_id('problem').textContent = problem ?? '';
  return problem;
});

// --- figures -------------------------------------------------------------------------------------------------------

function show_node(node) {
  set_text(by_id('node'), node.name);
  document.title = `${node.name} · Coppice console`;
  set_text(by_id('uptime'), duration(node.uptime));
  set_text(by_id('processes'), number(node.processes));
  set_text(by_id('run_queue'), number(node.run_queue));
  set_text(by_id('memory'), bytes(node.memory));
  set_text(by_id('messages_per_s'), short_number(node.messages_per_s));
  set_text(by_id('restarts'), number(node.restarts));
}

// --- reports -------------------------------------------------------------------------------------------------------

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' });

const happened = {
  kill: 'killed here',
  restarted: 'restarted',
  gave_up: 'given up',
  terminated: 'terminated',
  removed: 'ended',
};

function report_item(report) {
  const item = element('li', `report ${report.kind} ${report.action ?? ''}`);
  const head = element('div', 'report-head');
  const time = element('time', 'soft small', clock.format(report.at));
  time.dateTime = new Date(report.at).toISOString();
  head.append(element('span', 'report-name', report.name ?? report.pid ?? report.kind));
  head.append(element('span', 'report-what', happened[report.action ?? report.kind] ?? report.kind), time);
  item.append(head);
  const facts = [];
  if (report.reason) facts.push(`reason ${report.reason}`);
  if (report.supervisor) facts.push(`by ${report.supervisor}`);
  if (report.pid) facts.push(report.new_pid ? `${report.pid} → ${report.new_pid}` : report.pid);
  item.append(element('p', 'facts', facts.join(' · ')));
  const box = element('details');
  box.append(element('summary', 'small', 'Full report'), element('pre', 'report-text', report.text));
  item.append(box);
  return item;
}

function show_reports(reports) {
  const list = by_id('reports');
  for (const report of reports) list.prepend(report_item(report));
  while (list.childElementCount > kept_reports) list.lastElementChild.remove();
  by_id('no-reports').hidden = list.childElementCount > 0;
}

// --- the stream ----------------------------------------------------------------------------------------------------

feed.addEventListener('snapshot', ({ detail: snapshot }) => {
  const filtering = snapshot.matched !== undefined;
  show_node(snapshot.node);
  tree.show(snapshot, filtering);
  show_reports(snapshot.reports);
  by_id('waiting').hidden = true;
  set_text(by_id('found'), filtering ? `${number(snapshot.matched)} found` : '');
});

const states = { connecting: 'Connecting…', live: 'Live', waiting: 'Reconnecting…' };
feed.addEventListener('state', () => {
  by_id('connection').dataset.state = feed.state;
  by_id('connection').textContent = states[feed.state];
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

filter.addEventListener('input', watch);
document.addEventListener('keydown', (event) => {
  if (event.key === '/' && document.activeElement !== filter) {
    event.preventDefault();
    filter.focus();
  } else if (event.key === 'Escape' && document.activeElement === filter) {
    filter.value = '';
    watch();
  }
});

feed.start();
