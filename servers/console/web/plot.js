// A figure over time, drawn as SVG: a line for each series, and a cursor that pointer and arrow keys move.
import { element, set_text, time_of_day } from './text.js';

const svg_space = 'http://www.w3.org/2000/svg';
const width = 600;
const height = 120;

export function svg(tag, attributes = {}) {
  const made = document.createElementNS(svg_space, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

/** The next number of the form 1, 2 or 5 times a power of ten (or of two, for bytes). */
export function round_up(value, binary = false) {
  if (value <= 0) return 1;
  if (binary) return 2 ** Math.ceil(Math.log2(value));
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((n) => n * power).find((n) => n >= value);
}

/** A path through the points; where more than `gap` ms lie between two of them nothing is drawn. */
export function path_of(points, x, y, gap) {
  let path = '';
  let before = -Infinity;
  for (const { at, value } of points) {
    path += `${at - before > gap ? 'M' : 'L'}${x(at).toFixed(1)} ${y(value).toFixed(1)}`;
    before = at;
  }
  return path;
}

let plots = 0;

export class Plot {
  /**
   * `title`; `format(value)`; `series`: names, one or several; `least`: the smallest top of the scale; `top`: a fixed one;
   * `binary`: scale in powers of two; `span` in ms.
   */
  constructor({ title, format, series = [''], least = 1, top = null, binary = false, span = 600_000 }) {
    Object.assign(this, { title, format, series, least, top, binary, span });
    this.#build();
  }

  /** `points`: [{ at, values }], oldest first; `now` is where the right edge stands. */
  show(points, now) {
    this.#points = points;
    this.#now = now;
    this.#draw();
  }

  #points = [];
  #now = 0;
  #cursor = null; // index of the point that is looked at, or null: the latest

  #build() {
    const id = `plot-${++plots}`;
    this.node = element('figure', 'plot pane');
    const caption = element('figcaption', 'plot-head');
    const title = element('span', 'plot-title', this.title);
    title.id = id;
    this.value = element('span', 'plot-value', '–');
    caption.append(title, this.value);
    this.when = element('span', 'plot-when soft small');
    this.frame = element('div', 'plot-frame');
    this.frame.tabIndex = 0;
    this.frame.setAttribute('role', 'slider');
    this.frame.setAttribute('aria-labelledby', id);
    this.frame.setAttribute('aria-valuemin', String(-Math.round(this.span / 1000)));
    this.frame.setAttribute('aria-valuemax', '0');
    this.svg = svg('svg', { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: 'none', 'aria-hidden': 'true' });
    for (const y of [0.5, height / 2, height - 0.5]) this.svg.append(svg('line', { x1: 0, x2: width, y1: y, y2: y, class: 'grid' }));
    this.area = svg('path', { class: 'area' });
    this.svg.append(this.area);
    this.lines = this.series.map((_, n) => svg('path', { class: `line series-${n % 8}` }));
    this.svg.append(...this.lines);
    this.cross = svg('line', { class: 'cross', y1: 0, y2: height, visibility: 'hidden' });
    this.svg.append(this.cross);
    this.top_label = element('span', 'plot-top');
    this.frame.append(this.svg, this.top_label);
    const axis = element('div', 'plot-axis soft small');
    axis.append(element('span', '', `−${Math.round(this.span / 60_000)} min`), this.when, element('span', '', 'now'));
    this.node.append(caption, this.frame, axis);
    if (this.series.length > 1) this.node.append(this.#legend());
    this.frame.addEventListener('pointermove', (event) => this.#point_at(event));
    this.frame.addEventListener('pointerdown', (event) => this.#point_at(event));
    this.frame.addEventListener('pointerleave', () => this.#look_at(null));
    this.frame.addEventListener('blur', () => this.#look_at(null));
    this.frame.addEventListener('keydown', (event) => this.#key(event));
  }

  #legend() {
    const legend = element('div', 'legend small');
    this.series.forEach((name, n) => legend.append(element('span', `key series-${n % 8}`, name)));
    return legend;
  }

  #x(at) { return width - ((this.#now - at) / this.span) * width; }

  #draw() {
    const points = this.#points;
    const largest = points.reduce((most, { values }) => Math.max(most, ...values), this.least);
    const top = this.top ?? round_up(largest, this.binary);
    const x = (at) => this.#x(at);
    const y = (value) => height - 1 - (value / top) * (height - 3);
    const gap = 4000;
    this.lines.forEach((line, n) =>
      line.setAttribute('d', path_of(points.map(({ at, values }) => ({ at, value: values[n] })), x, y, gap)));
    if (this.series.length === 1 && points.length > 1) {
      const d = this.lines[0].getAttribute('d');
      const begin = x(points[0].at).toFixed(1);
      this.area.setAttribute('d', d.lastIndexOf('M') === 0 ? `${d}V${height}H${begin}Z` : '');
    }
    set_text(this.top_label, this.format(top));
    this.#tell();
  }

  #tell() {
    const shown = this.#cursor === null ? this.#points.at(-1) : this.#points[Math.min(this.#cursor, this.#points.length - 1)];
    if (!shown) return;
    const text = shown.values.map((value, n) => (this.series.length > 1 ? `${this.series[n]} ${this.format(value)}` : this.format(value)));
    // The legend has the names.
    const values = shown.values.map((value) => this.format(value));
    set_text(this.value, values.length > 4 ? `${values.slice(0, 4).join(' · ')} …` : values.join(' · '));
    set_text(this.when, this.#cursor === null ? '' : time_of_day(shown.at));
    this.frame.setAttribute('aria-valuenow', String(Math.round((shown.at - this.#now) / 1000)));
    this.frame.setAttribute('aria-valuetext', `${time_of_day(shown.at)}: ${text.join(', ')}`);
    this.cross.setAttribute('visibility', this.#cursor === null ? 'hidden' : 'visible');
    const x = this.#x(shown.at);
    this.cross.setAttribute('x1', x);
    this.cross.setAttribute('x2', x);
  }

  #look_at(index) {
    this.#cursor = index;
    this.#tell();
  }

  #point_at(event) {
    const box = this.frame.getBoundingClientRect();
    const at = this.#now - (1 - (event.clientX - box.left) / box.width) * this.span;
    let nearest = 0;
    this.#points.forEach((point, n) => {
      if (Math.abs(point.at - at) < Math.abs(this.#points[nearest].at - at)) nearest = n;
    });
    this.#look_at(nearest);
  }

  #key(event) {
    const last = this.#points.length - 1;
    const at = this.#cursor ?? last;
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, PageUp: at - 30, PageDown: at + 30, Home: 0, End: last }[event.key];
    if (to === undefined || last < 0) return;
    event.preventDefault();
    this.#look_at(Math.max(0, Math.min(last, to)));
  }
}
