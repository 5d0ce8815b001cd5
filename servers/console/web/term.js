// Terms as text, laid out over lines: what is short stays on one, what is long is broken at its commas.

const deepest = 200;
const closing = { '{': '}', '[': ']', '(': ')' };

/** Splits the text into strings, quoted atoms, brackets, commas and what is between them. */
function pieces(text) {
  return text.match(/"(?:\\.|[^"\\])*"?|'(?:\\.|[^'\\])*'?|<<|>>|#\{|[{}[\](),]|[^"'{}[\](),<>#]+|[<>#]/gs) ?? [];
}

/** The terms within a bracket, each an array of pieces and of brackets within. A text that was cut ends where it ends. */
function parse(all, at, close, depth = 0) {
  if (depth > deepest) throw new RangeError('too deep to be laid out');
  const parts = [[]];
  while (at.n < all.length) {
    const piece = all[at.n++];
    if (piece === close) return { parts, closed: true };
    const open = piece.at(-1);
    if (piece.length <= 2 && closing[open]) {
      parts.at(-1).push({ open: piece, close: closing[open], ...parse(all, at, closing[open], depth + 1) });
    } else if (piece === ',') {
      parts.push([]);
    } else {
      parts.at(-1).push(piece);
    }
  }
  return { parts, closed: false };
}

const flat = (part) => part.map((p) => (typeof p === 'string' ? p : p.open + p.parts.map(flat).join(',') + (p.closed ? p.close : ''))).join('');

function lay_out(part, indent, width) {
  const line = flat(part);
  if (indent + line.length <= width) return line;
  return part.map((p) => {
    if (typeof p === 'string' || p.parts.length === 0) return typeof p === 'string' ? p : flat([p]);
    const inner = indent + 2;
    const lines = p.parts.map((sub) => ' '.repeat(inner) + lay_out(sub, inner, width).trimStart());
    return `${p.open}\n${lines.join(',\n')}${p.closed ? `\n${' '.repeat(indent)}${p.close}` : ''}`;
  }).join('');
}

/** `{state,[{a,1},{b,2}]}` over several lines of about that width. */
export function pretty(text, width = 76) {
  try {
    const { parts } = parse(pieces(text), { n: 0 }, undefined);
    return parts.map((part) => lay_out(part, 0, width)).join(',\n');
  } catch (error) {
    if (error instanceof RangeError) return text;
    throw error;
  }
}
