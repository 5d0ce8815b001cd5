// Keys that work wherever one is. Single letters can be turned off, as those who speak to their computer need.
import { by_id } from './text.js';

export const shortcuts = [
  [['1', '2', '3', '4'], 'Overview, processes, tree, reports'],
  [['/'], 'Find a process'],
  [['↑', '↓'], 'Walk the rows of a table; ← and → close and open what is in the tree'],
  [['Enter'], 'Look at the process of the row'],
  [['Page ↑', 'Page ↓'], 'The page of the list before, and after'],
  [['Delete'], 'Kill the process of the row, after a question'],
  [['s'], 'Read the state of the process that is looked at'],
  [['t'], 'Start and stop its trace'],
  [['h'], 'Hold the list still, and let it go'],
  [['Esc'], 'Empty the search field; close a question'],
  [['?'], 'This help'],
];

const stored = 'coppice-single-keys';

function remembered() {
  try {
    return localStorage.getItem(stored) !== 'off';
  } catch {
    return true;
  }
}

/** `actions`: key -> function. */
export function listen_to_keys(actions) {
  const box = by_id('single-keys');
  box.checked = remembered();
  box.addEventListener('change', () => {
    try {
      localStorage.setItem(stored, box.checked ? 'on' : 'off');
    } catch { /* then it lasts as long as the page */ }
  });
  document.addEventListener('keydown', (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey || document.querySelector('dialog[open]')) return;
    const field = event.target.closest?.('input, select, textarea');
    if (field && !(event.key === 'Escape' && field.type === 'search')) return;
    const action = actions[event.key];
    if (!action || (event.key.length === 1 && !box.checked)) return;
    event.preventDefault();
    action(event);
  });
}
