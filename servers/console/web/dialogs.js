// Asking before something is killed, and what the keys do.
import { by_id, element } from './text.js';
import { shortcuts } from './keys.js';

/** Gives a promise: whether to kill. Escape and Cancel say no. */
export function ask_to_kill(pid, name) {
  const dialog = by_id('kill-dialog');
  by_id('kill-text').textContent = `${name && name !== pid ? `${name} ` : ''}${pid} ends at once, whatever it is doing. `
    + 'What it was asked for is answered with an error, and what stands below it ends too. Its supervisor, if it has one, starts it again.';
  return new Promise((resolve) => {
    const decide = (yes) => { by_id('kill-yes').onclick = by_id('kill-no').onclick = dialog.onclose = null; dialog.close(); resolve(yes); };
    by_id('kill-yes').onclick = () => decide(true);
    by_id('kill-no').onclick = () => decide(false);
    dialog.onclose = () => decide(false);
    dialog.showModal();
    by_id('kill-no').focus();
  });
}

export function show_help() { if (!by_id('help-dialog').open) by_id('help-dialog').showModal(); }

export function prepare_help() {
  for (const [keys, text] of shortcuts) {
    const row = element('div');
    const key = element('dt');
    for (const name of keys) key.append(element('kbd', '', name));
    row.append(key, element('dd', '', text));
    by_id('help-keys').append(row);
  }
  by_id('help-button').addEventListener('click', show_help);
  by_id('help-close').addEventListener('click', () => by_id('help-dialog').close());
}
