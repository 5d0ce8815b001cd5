// Numbers for people, and elements made of text alone.

const whole = new Intl.NumberFormat('en');
const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });

export const number = (value) => whole.format(value);
export const short_number = (value) => (value < 100_000 ? whole.format(Math.round(value)) : compact.format(value));

export function bytes(value) {
  if (value === undefined) return '';
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) { value /= 1024; unit += 1; }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

export function duration(ms) {
  const seconds = Math.floor(ms / 1000);
  const [days, hours, minutes] = [Math.floor(seconds / 86400), Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60];
  if (days) return `${days} d ${hours} h`;
  if (hours) return `${hours} h ${minutes} min`;
  return minutes ? `${minutes} min ${seconds % 60} s` : `${seconds} s`;
}

export function element(tag, class_name = '', text = '') {
  const made = document.createElement(tag);
  if (class_name) made.className = class_name;
  if (text !== '') made.textContent = text;
  return made;
}

/** Sets the text only if it changed: a table of thousands is written each second. */
export function set_text(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export const by_id = (id) => document.getElementById(id);

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' });
export const time_of_day = (at) => clock.format(at);

export function time_element(at) {
  const time = element('time', 'soft small', time_of_day(at));
  time.dateTime = new Date(at).toISOString();
  return time;
}

/** `<0.42.7>` as part of an address, and back; null if it is none. */
export const pid_path = (pid) => pid.slice(1, -1);
export const pid_of_path = (path) => (/^0\.\d+\.\d+$/.test(path) ? `<${path}>` : null);

/** A link to the page of a process. */
export function process_link(pid, text, class_name = '') {
  const link = element('a', class_name, text);
  link.href = `#process/${pid_path(pid)}`;
  return link;
}

export const short_module = (module) => (module ?? '').replace(/^coppice::/, '');
